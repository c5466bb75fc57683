package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
)

// failed is the error that a request failed, for an error of the SDK. That one
// tells of attempts and IDs, and not the same each time.
func (a *api) failed(ctx context.Context, action string, err error) error {
	failure := &fieldError{path: action}
	answer, answered := errors.AsType[smithy.APIError](err)
	switch last := a.transport.last; {
	case ctx.Err() != nil:
		failure.reason = fmt.Sprintf("no complete answer within %s", a.options.Timeout)
	case answered && answer.ErrorCode() == "UnauthorizedOperation":
		failure.reason = fmt.Sprintf("%s: the permission ec2:%s is missing: %s", answer.ErrorCode(), action, stable(answer.ErrorMessage()))
	// The SDK's own code is for what is no error of the API.
	case answered && answer.ErrorCode() != "UnknownError":
		failure.reason = said(answer)
	case last.err != nil:
		failure.reason = reason(last.err)
	case last.status != 0 && last.status != http.StatusOK:
		failure.reason = fmt.Sprintf("http status %d %s", last.status, http.StatusText(last.status))
	default:
		failure.reason = reason(err)
	}
	return failure
}

// said is a service's error. What is none of AWS's may have no code.
func said(answer smithy.APIError) string {
	return strings.TrimPrefix(answer.ErrorCode()+": "+stable(answer.ErrorMessage()), ": ")
}

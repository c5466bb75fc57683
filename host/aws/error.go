package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/aws/smithy-go"
)

// fieldError is what is wrong with one field of a source.
type fieldError struct {
	path   string
	reason string
	// status is the HTTP status that IMDS answered with instead of the field's
	// value; 0 if it did not.
	status int
}

func (e *fieldError) Error() string { return e.path + ": " + e.reason }

// invalid is the error that a field's value is not what is accepted.
func invalid(path, format string, args ...any) error {
	return &fieldError{path: path, reason: fmt.Sprintf(format, args...)}
}

// failed is the error that a field could not be read, for an error of the SDK.
// That one tells of the SDK rather than of the service, and not the same each
// time.
func (r *reader) failed(ctx context.Context, path string, err error) error {
	last := r.transport.last
	if last.path == pathToken {
		path = pathToken
	}
	failure := &fieldError{path: path}
	switch {
	case ctx.Err() != nil:
		failure.reason = fmt.Sprintf("no complete answer within %s", r.timeout)
	case last.err != nil:
		failure.reason = reason(last.err)
	case last.status != 0 && last.status != http.StatusOK:
		failure.reason = fmt.Sprintf("http status %d %s", last.status, http.StatusText(last.status))
		if path != pathToken {
			failure.status = last.status
		}
	default:
		failure.reason = reason(err)
	}
	return failure
}

// reason is the end of an error's chain, as far as it is the same each time.
func reason(err error) string {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Sprintf("longer than %d bytes", tooLong.Limit)
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		// Its text has the ports of what was tried.
		text := "failed"
		switch {
		case lookup.IsNotFound:
			text = "no such host"
		case lookup.IsTimeout:
			text = "timed out"
		}
		return fmt.Sprintf("lookup of %s: %s", lookup.Name, text)
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		// The port on this side is another one each time.
		stable := *operation
		stable.Source = nil
		return stable.Error()
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return "not an identity document: " + cause.Error()
	}
	return cause.Error()
}

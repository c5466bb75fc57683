package kubernetes

import (
	"context"
	"errors"
	"net"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// finalError ends a reflector's try.
type finalError struct{ text string }

func (e *finalError) Error() string { return e.text }

// final is an error of a request as the reflector is to take it. Those that it is
// made for stay what they are: a revision to go on from that is too old or not
// there yet, and a server that does not stream lists. With others it would try
// again in a loop of its own, and nobody would know when.
func final(err error) error {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) || apierrors.IsTimeout(err) {
		return err
	}
	return &finalError{text(err)}
}

// reason is the text of a try's error.
func reason(err error) string {
	if failed, ok := errors.AsType[*finalError](err); ok {
		return failed.text
	}
	return text(err)
}

// text is an error's text as far as it is the same each time: without the
// request's parameters and the port on this side.
func text(err error) string {
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return status.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + listTimeout.String()
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		stable := *operation
		stable.Source = nil
		return stable.Error()
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err.Error()
	}
	return err.Error()
}

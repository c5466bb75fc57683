package kubernetes

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// finalError ends a reflector's try.
type finalError struct {
	text string
	// cut says that a watch had begun and was ended: only one that holds mends it.
	cut bool
}

func (e *finalError) Error() string { return e.text }

// final is an error of a request as the reflector is to take it. Those that it
// mends by asking for another revision stay what they are. Of others it would
// make a loop of its own, and nobody would know when it tries again.
func final(err error) error {
	if renewable(err) {
		return err
	}
	return &finalError{text: text(err)}
}

// renewable says whether an error is that a revision to go on from is too old, or
// not there yet.
func renewable(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
}

// reason is the text of a try's error, and whether that is a watch that was cut.
func reason(err error) (reason string, cut bool) {
	if failed, ok := errors.AsType[*finalError](err); ok {
		return failed.text, failed.cut
	}
	return text(err), false
}

// text is an error's text as far as it is the same each time: without the
// request's parameters, the port on this side and the time.
func text(err error) string {
	if status, ok := errors.AsType[*apierrors.StatusError](err); ok {
		return stable(status.Error())
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + listTimeout.String()
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired && invalid.Cert != nil {
		return fmt.Sprintf("the server's certificate is valid from %s until %s, and it is not so by the node's clock",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		remote := *operation
		remote.Source = nil
		return stable(remote.Error())
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return stable(request.Err.Error())
	}
	return stable(err.Error())
}

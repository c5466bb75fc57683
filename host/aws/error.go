package aws

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

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

// reason is the end of an error's chain, on one line and as far as it is the same
// each time.
func reason(err error) string {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Sprintf("longer than %d bytes", tooLong.Limit)
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return lookupReason(lookup)
	}
	if operation, ok := errors.AsType[*net.OpError](err); ok {
		return stable(operationReason(err, *operation))
	}
	if expired, ok := errors.AsType[x509.CertificateInvalidError](err); ok && expired.Reason == x509.Expired && expired.Cert != nil {
		// Its text has the time.
		return fmt.Sprintf("the certificate is valid from %s until %s, which is not now by the node's clock",
			expired.Cert.NotBefore.UTC().Format(time.RFC3339), expired.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	cause := err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	text := stable(cause.Error())
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		text = "not an identity document: " + text
	}
	return text
}

// lookupReason is without the ports of what was tried.
func lookupReason(lookup *net.DNSError) string {
	text := "failed"
	switch {
	case lookup.IsNotFound:
		text = "no such host"
	case lookup.IsTimeout:
		text = "timed out"
	}
	return fmt.Sprintf("lookup of %s: %s", lookup.Name, text)
}

// operationReason is without the port on this side, which is another one each
// time, and with the host that was asked for in place of its address: it may have
// many. A proxy stays an address.
func operationReason(err error, operation net.OpError) string {
	operation.Source = nil
	request, ok := errors.AsType[*url.Error](err)
	if ok && operation.Addr != nil {
		if asked, err := url.Parse(request.URL); err == nil && asked.Host != "" {
			operation.Addr = host{operation.Addr.Network(), asked.Host}
		}
	}
	return operation.Error()
}

// host is a net.Addr by name.
type host struct{ network, name string }

func (h host) Network() string { return h.network }
func (h host) String() string  { return h.name }

package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Texts are the same at each try.
func TestReason(t *testing.T) {
	addr := func(port int) net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
	reset := &net.OpError{Op: "read", Net: "tcp", Source: addr(50000), Addr: addr(6443), Err: unix.ECONNRESET}
	at := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://127.0.0.1:6443/api/v1/pods?timeoutSeconds=417", Err: err}
	}
	pods := schema.GroupResource{Resource: "pods"}
	lookup := &net.DNSError{Name: "api.example.com", Server: "10.0.0.2:53", IsTimeout: true, Err: "read udp 10.0.0.10:40115->10.0.0.2:53: i/o timeout"}
	expired := x509.CertificateInvalidError{
		Reason: x509.Expired, Detail: "current time 2026-05-06T07:08:09Z is after 2026-01-02T03:04:05Z",
		Cert: &x509.Certificate{NotBefore: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{at(reset), "read tcp 127.0.0.1:6443: connection reset by peer"},
		{at(errors.New("tls: bad certificate")), "tls: bad certificate"},
		{at(context.DeadlineExceeded), "no answer within 30s"},
		{fmt.Errorf("failed to list *v1.Pod: %w", final(at(reset))), "read tcp 127.0.0.1:6443: connection reset by peer"},
		{fmt.Errorf("failed to list *v1.Pod: %w", final(apierrors.NewForbidden(pods, "", errors.New("who are you")))), "pods is forbidden: who are you"},
		{at(lookup), "lookup api.example.com on 10.0.0.2:53: read udp 10.0.0.2:53: i/o timeout"},
		{at(&net.OpError{Op: "dial", Net: "tcp", Err: lookup}), "dial tcp: lookup api.example.com on 10.0.0.2:53: read udp 10.0.0.2:53: i/o timeout"},
		{at(&net.DNSError{Name: "api.example.com", Server: "[fd00::2]:53", Err: "read udp [fd00::a]:40115->[fd00::2]:53: read: connection refused"}),
			"lookup api.example.com on [fd00::2]:53: read udp [fd00::2]:53: read: connection refused"},
		{at(&tls.CertificateVerificationError{Err: expired}),
			"the server's certificate is valid from 2025-01-02T03:04:05Z until 2026-01-02T03:04:05Z, and it is not so by the node's clock"},
		{at(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"a.example"}}, Host: "b.example"}}),
			"tls: failed to verify certificate: x509: certificate is valid for a.example, not b.example"},
		{at(errors.New("http2: server sent GOAWAY and closed the connection; LastStreamID=1999, ErrCode=NO_ERROR, debug=\"\"")),
			`http2: server sent GOAWAY and closed the connection; ..., ErrCode=NO_ERROR, debug=""`},
		{at(errors.New("stream error: stream ID 37; INTERNAL_ERROR; received from peer")), "stream error: ...; INTERNAL_ERROR; received from peer"},
		{apierrors.NewInternalError(errors.New("request 3f2c1d4e-0a1b-4c5d-8e9f-001122334455\nat 2026-05-06T07:08:09.123+02:00")),
			"Internal error occurred: request ... at ..."},
		{apierrors.NewResourceExpired("too old resource version: 1234 (5678)"), "too old ..."},
		{apierrors.NewServiceUnavailable(strings.Repeat("x", 600)), strings.Repeat("x", 512) + "..."},
	} {
		if got, cut := reason(c.err); got != c.want || cut {
			t.Errorf("got  %s, cut %v\nwant %s", got, cut, c.want)
		}
	}
}

// What a reflector mends by another revision, it sees as it is.
func TestFinal(t *testing.T) {
	tooNew := apierrors.NewTimeoutError("Too large resource version", 1)
	tooNew.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge}}
	gone := &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonGone}}
	for _, err := range []error{apierrors.NewResourceExpired("old"), gone, tooNew} {
		if !errors.Is(final(err), err) {
			t.Errorf("%v is hidden", err)
		}
	}
	for _, err := range []error{
		&net.OpError{Op: "dial", Err: unix.ECONNREFUSED}, apierrors.NewTooManyRequests("later", 1), apierrors.NewTimeoutError("slow", 1),
		apierrors.NewInvalid(schema.GroupKind{Kind: "ListOptions"}, "", nil),
	} {
		if got := final(err); errors.Is(got, err) {
			t.Errorf("%v is seen", err)
		}
	}
}

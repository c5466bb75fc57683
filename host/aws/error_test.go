package aws

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"
)

// Errors that are told once have the same text at each try.
func TestReason(t *testing.T) {
	t.Parallel()
	address := func(port int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, byte(port%7)), Port: port} }
	for _, c := range []struct {
		err  func(port int) error
		want string
	}{
		{func(int) error { return fmt.Errorf("one: %w", errors.New("two")) }, "two"},
		{func(port int) error {
			return &net.OpError{Op: "read", Net: "tcp", Source: address(port), Addr: address(443), Err: os.NewSyscallError("read", syscall.ECONNRESET)}
		}, "read tcp 10.0.0.2:443: read: connection reset by peer"},
		{func(port int) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
				Name: "ec2.eu-west-1.amazonaws.com", Server: "10.0.0.2:53", IsTimeout: true,
				Err: fmt.Sprintf("read udp 10.0.0.1:%d->10.0.0.2:53: i/o timeout", port),
			}}
		}, "lookup of ec2.eu-west-1.amazonaws.com: timed out"},
		{func(int) error {
			return fmt.Errorf("send: %w", &net.DNSError{Name: "ec2.mars-1.amazonaws.com", Err: "no such host", IsNotFound: true})
		},
			"lookup of ec2.mars-1.amazonaws.com: no such host"},
		{func(port int) error {
			return &net.DNSError{Name: "ec2.eu-west-1.amazonaws.com", Err: fmt.Sprintf("write udp 10.0.0.1:%d: refused", port)}
		}, "lookup of ec2.eu-west-1.amazonaws.com: failed"},
		// A name has many addresses.
		{func(port int) error {
			return &url.Error{Op: "Post", URL: "https://ec2.eu-west-1.amazonaws.com/", Err: &net.OpError{
				Op: "dial", Net: "tcp", Addr: address(port), Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
			}}
		}, "dial tcp ec2.eu-west-1.amazonaws.com: connect: connection refused"},
		{func(port int) error {
			return &url.Error{Op: "Post", URL: "https://ec2.eu-west-1.amazonaws.com/", Err: &net.OpError{
				Op: "proxyconnect", Net: "tcp", Err: &net.OpError{
					Op: "dial", Net: "tcp", Addr: address(3128), Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
				},
			}}
		}, "proxyconnect tcp: dial tcp 10.0.0.6:3128: connect: connection refused"},
		// The clock or the certificate is wrong.
		{func(port int) error {
			return &url.Error{Op: "Post", URL: "https://ec2.eu-west-1.amazonaws.com/", Err: &tls.CertificateVerificationError{
				Err: x509.CertificateInvalidError{
					Reason: x509.Expired,
					Cert: &x509.Certificate{
						NotBefore: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), NotAfter: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC),
					},
					Detail: fmt.Sprintf("current time %s is before 2026-01-02T03:04:05Z", at(port).Format(time.RFC3339)),
				},
			}}
		}, "the certificate is valid from 2026-01-02T03:04:05Z until 2027-01-02T03:04:05Z, which is not now by the node's clock"},
		{func(port int) error {
			return fmt.Errorf("tls: %w", errors.New("x509: certificate has expired or is not yet valid: current time "+
				at(port).In(time.FixedZone("", 7200)).Format(time.RFC3339)+" is after 2025-01-02T03:04:05Z"))
		}, "x509: certificate has expired or is not yet valid: current time ... is after ..."},
		{func(port int) error { return errors.New("one\n two " + fmt.Sprint(at(port).Unix())) }, "one two ..."},
	} {
		for _, port := range []int{40000, 50001} {
			if got := reason(c.err(port)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		}
	}
}

// at is a time that depends on a number.
func at(number int) time.Time {
	return time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC).Add(time.Duration(number) * 1234567 * time.Microsecond)
}

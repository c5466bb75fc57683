package aws

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
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
	} {
		for _, port := range []int{40000, 50001} {
			if got := reason(c.err(port)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		}
	}
}

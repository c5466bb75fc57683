package metrics

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Port is the TCP address and port of the configuration's metrics.listen. Others may have
// it first: any local user can.
type Port struct {
	address string
	opened  chan net.Listener // one, once it listens
	listens bool
	first   error // of the first attempt
}

// NewPort returns a Port that does not listen yet; one with an empty address never does.
func NewPort(address string) *Port {
	return &Port{address: address, opened: make(chan net.Listener, 1)}
}

// Listen makes it listen, unless it does. After an error it may be called again, by one at
// a time. The error does not name the key of the configuration.
func (p *Port) Listen() error {
	if p.listens || p.address == "" {
		return nil
	}
	on, err := net.Listen("tcp", p.address)
	if err == nil {
		p.listens = true
		p.opened <- on
		return nil
	}
	err = p.failed(err)
	switch {
	case p.first == nil:
		p.first = err
	case errors.Is(err, unix.EACCES):
		// The kernel says so before it looks whether the port is still taken.
		return fmt.Errorf("%w when snatd started, and a port below 1024 takes CAP_NET_BIND_SERVICE, which it has only then: start it again", p.first)
	}
	return err
}

// close ends a listening that nobody serves.
func (p *Port) close() error {
	select {
	case on := <-p.opened:
		return on.Close()
	default:
		return nil
	}
}

// failed says only once at which address.
func (p *Port) failed(err error) error {
	var number unix.Errno
	var operation *net.OpError
	switch {
	case errors.As(err, &number):
		err = number
	case errors.As(err, &operation):
		err = operation.Err
	}
	return fmt.Errorf("%s: %w", p.address, err)
}

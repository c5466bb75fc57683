package metrics

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Listen opens the TCP address and port of the configuration's metrics.listen.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, failed(address, err)
	}
	return l, nil
}

// failed names the key of the configuration and says only once at which address.
func failed(address string, err error) error {
	var number unix.Errno
	var operation *net.OpError
	switch {
	case errors.As(err, &number):
		err = number
	case errors.As(err, &operation):
		err = operation.Err
	}
	return fmt.Errorf("metrics.listen %s: %w", address, err)
}

package api

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Listen makes the daemon's unix socket, for root only, in place of one that a
// dead process left. Anything else at that path is an error.
func Listen(socket string) (net.Listener, error) {
	l, err := listen(socket)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	return l, nil
}

func listen(socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		return nil, err
	}
	switch info, err := os.Lstat(socket); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != os.ModeSocket:
		return nil, errors.New("there is a file, which is no socket: name another path")
	default:
		if err := removeDead(socket); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeDead removes a socket that nobody listens on any more.
func removeDead(socket string) error {
	connection, err := net.Dial("unix", socket)
	switch {
	case err == nil:
		return errors.Join(errors.New("another program answers there: name another path"), connection.Close())
	case !errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("another program's, it seems: name another path: %w", err)
	}
	return os.Remove(socket)
}

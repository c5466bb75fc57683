package api

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
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
		if connection, err := net.Dial("unix", socket); err == nil {
			return nil, errors.Join(errors.New("another program answers there: name another path"), connection.Close())
		}
		if err := os.Remove(socket); err != nil {
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

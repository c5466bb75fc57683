package api

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Listen makes the daemon's unix socket, in place of one that a dead process left.
// Anything else at that path is an error. Root may ask there, and a group, by its name or
// number, if it is not empty.
func Listen(socket, group string) (net.Listener, error) {
	id, err := groupID(group)
	if err != nil {
		return nil, fmt.Errorf("socketGroup: %w", err)
	}
	l, err := listen(socket, id)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	return l, nil
}

// nobody is the group of a socket that is for root alone.
const nobody = -1

// groupID is the number of a group; nobody for none.
func groupID(group string) (int, error) {
	if group == "" {
		return nobody, nil
	}
	if id, err := strconv.ParseUint(group, 10, 31); err == nil {
		return int(id), nil
	}
	found, err := user.LookupGroup(group)
	if err != nil {
		return nobody, fmt.Errorf("there is no group %.300q, accepted: a group's name or number", group)
	}
	return strconv.Atoi(found.Gid)
}

func listen(socket string, group int) (net.Listener, error) {
	// Who may ask is said by the socket itself: others may look into its folder.
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
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
	umask := unix.Umask(0o177) // between its making and its permitting too
	l, err := net.Listen("unix", socket)
	unix.Umask(umask)
	if err != nil {
		return nil, err
	}
	if err := permit(socket, group); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// permit lets a group ask at a socket that is its owner's alone.
func permit(socket string, group int) error {
	if err := os.Chmod(socket, 0o600); err != nil || group == nobody {
		return err
	}
	if err := os.Chown(socket, -1, group); err != nil {
		return err
	}
	return os.Chmod(socket, 0o660)
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

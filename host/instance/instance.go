// Package instance sees to it that one process at a time manages a network
// namespace, whatever its configuration says about sockets and files.
package instance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Directory holds a file for each network namespace that was ever managed.
const Directory = "/run/snatd"

// Lock is held as long as the process lives, or until Close.
type Lock struct{ file *os.File }

// ErrRunning says that another process holds the lock.
var ErrRunning = errors.New("a snatd is running in this network namespace already")

// Acquire takes the lock for the network namespace of the calling thread. The
// error wraps ErrRunning and names the process if another one has it.
func Acquire() (*Lock, error) {
	path, err := path()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(Directory, 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := take(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Lock{file}, nil
}

func take(file *os.File) error {
	err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder, _ := os.ReadFile(file.Name()) // for people only
		return fmt.Errorf("%w: process %s", ErrRunning, strings.TrimSpace(string(holder)))
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return nil
}

// Close gives the lock back. The file stays: whoever has it open must see the
// same one as whoever opens it later.
func (l *Lock) Close() error { return l.file.Close() }

// path names the namespace as the kernel does: by the inode of its nsfs file.
func path() (string, error) {
	var stat unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &stat); err != nil {
		return "", fmt.Errorf("lock: network namespace: %w", err)
	}
	return filepath.Join(Directory, fmt.Sprintf("netns-%d.lock", stat.Ino)), nil
}

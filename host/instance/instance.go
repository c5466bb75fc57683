// Package instance sees to it that one process at a time manages a network
// namespace, whatever its configuration says about sockets and files.
package instance

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// name is an abstract unix socket: such names belong to the network namespace,
// need no file, and are free again when their process dies.
const name = "@snatd/instance"

// Lock is held as long as the process lives, or until Close.
type Lock struct{ listener net.Listener }

// ErrRunning says that another process holds the lock.
var ErrRunning = errors.New("a snatd is running in this network namespace already")

// Acquire takes the lock for the network namespace of the calling thread. The
// error wraps ErrRunning and names the process if another one has it.
//
// Anybody may take such a name. Who is neither root nor this process's user
// cannot manage the namespace, so theirs is no lock: a Lock is returned that
// holds nothing.
func Acquire() (*Lock, error) {
	listener, err := net.Listen("unix", name)
	if err == nil {
		go answer(listener)
		return &Lock{listener}, nil
	}
	if !errors.Is(err, unix.EADDRINUSE) {
		return nil, fmt.Errorf("lock: %w", err)
	}
	holder, err := holder()
	if err != nil {
		return nil, fmt.Errorf("lock: who holds %s: %w", name, err)
	}
	if holder.Uid != 0 && int(holder.Uid) != os.Geteuid() {
		return &Lock{}, nil
	}
	return nil, fmt.Errorf("%w: process %d", ErrRunning, holder.Pid)
}

// answer keeps the queue of those who ask from filling up.
func answer(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return // the lock was given back
		}
		_ = connection.Close() // nothing was said
	}
}

// holder asks the kernel who listens.
func holder() (*unix.Ucred, error) {
	connection, err := net.Dial("unix", name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }() // nothing is written
	raw, err := connection.(*net.UnixConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var credentials *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	return credentials, errors.Join(err, failed)
}

// Close gives the lock back.
func (l *Lock) Close() error {
	if l.listener == nil {
		return nil
	}
	return l.listener.Close()
}

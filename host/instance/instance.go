// Package instance sees to it that one process at a time manages a network
// namespace, whatever its configuration says about sockets and files.
package instance

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

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
// error wraps ErrRunning and names the process if another one has it, and keeps it for
// longer than a tenth of a second.
//
// Anybody may take such a name, so who has it counts only if it could manage the
// namespace. Nobody may keep snatd from a node by that: the lock is then not held,
// and log is told.
func Acquire(log *slog.Logger) (*Lock, error) {
	var running, taken error
	for range attempts {
		listener, err := net.Listen("unix", name)
		if err == nil {
			go answer(listener)
			return &Lock{listener}, nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("lock: %w", err)
		}
		holder, err := holder()
		if err == nil && !manages(holder) {
			running, taken = nil, fmt.Errorf("process %d of user %d has it", holder.Pid, holder.Uid)
			break
		}
		if running, taken = nil, err; err == nil {
			running = fmt.Errorf("%w: process %d", ErrRunning, holder.Pid)
		}
		time.Sleep(pause) // its process may just be ending, or needs it for a moment to clean up
	}
	if running != nil {
		return nil, running
	}
	log.Warn("another program has taken the name that keeps two snatd apart: see to it that only one runs", "name", name, "error", taken)
	return &Lock{}, nil
}

// A holder that dies takes some milliseconds to let go; one that never answers
// is not waited for.
const (
	attempts = 5
	pause    = 20 * time.Millisecond
)

// manages says whether a process can be a snatd: by its capabilities, or by its
// user where they cannot be seen or mean something else.
func manages(holder *unix.Ucred) bool {
	byUser := holder.Uid == 0 || int(holder.Uid) == os.Geteuid()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", holder.Pid))
	if err != nil {
		return byUser
	}
	// In a user namespace of one's own, everybody has all capabilities.
	ours, _ := os.Readlink("/proc/self/ns/user")
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", holder.Pid))
	if err != nil || theirs != ours {
		return byUser
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "CapEff:"); ok {
			capabilities, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			return err != nil || capabilities&(1<<unix.CAP_NET_ADMIN) != 0
		}
	}
	return true
}

// answer keeps the queue of those who ask from filling up.
func answer(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return // the lock was given back
		case err != nil:
			time.Sleep(pause) // of file descriptors, say, there may be more later
		default:
			_ = connection.Close() // nothing was said
		}
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

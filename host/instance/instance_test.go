package instance

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/netspace"
)

// The lock's file is in /run, which lab.Enter makes this test's own.
func TestMain(m *testing.M) {
	code, err := lab.Enter(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "instance:", err)
	}
	os.Exit(code)
}

func TestAcquire(t *testing.T) {
	first, err := Acquire(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(slog.New(slog.DiscardHandler)); !errors.Is(err, ErrRunning) || !strings.HasSuffix(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("a second one: %v", err)
	}

	// Another network namespace is another node.
	other, err := netspace.New("other")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = other.Do(func() error {
		elsewhere, err := Acquire(slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		return elsewhere.Close()
	})
	if err != nil {
		t.Error("in another namespace:", err)
	}

	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal("after the first was given back:", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// Who takes the name and cannot be a snatd keeps nobody from a node.
func TestAcquireTaken(t *testing.T) {
	// Bound, and nobody listens.
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	lock, err := Acquire(slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || !strings.Contains(log.String(), "another program has taken the name") {
		t.Fatalf("%v; log %s", err, &log)
	}
	if err := errors.Join(lock.Close(), unix.Close(fd)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal("the name is not free:", err)
	}
	listener.Close()
}

func TestManages(t *testing.T) {
	self := int32(os.Getpid())
	if !manages(&unix.Ucred{Pid: self, Uid: 65534}) {
		t.Error("a process with CAP_NET_ADMIN does not count")
	}
	for uid, want := range map[uint32]bool{0: true, 65533: false} {
		if got := manages(&unix.Ucred{Pid: 0, Uid: uid}); got != want {
			t.Errorf("user %d of another process namespace: %v, want %v", uid, got, want)
		}
	}
}

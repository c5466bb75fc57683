package link

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func TestWatch(t *testing.T) {
	n := node(t)
	ctx, cancel := context.WithCancel(t.Context())
	var ticks <-chan struct{}
	var err error
	n.Do(func() { ticks, err = Watch(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][]string{
		{"addr", "add", "10.0.0.10/24", "dev", "eth0"},
		{"route", "add", "default", "via", "10.0.0.1"},
		{"route", "add", "10.7.0.0/16", "via", "10.0.0.1", "table", "100"},
		{"link", "set", "eth1", "down"},
		{"link", "set", "eth1", "name", "ens6"},
		{"addr", "del", "10.0.0.10/24", "dev", "eth0"},
		{"link", "del", "ens6"},
	} {
		quiet(ticks)
		n.Run("ip", change...)
		expectTick(t, ticks, fmt.Sprint(change))
	}
	cancel()
	expectClosed(t, ticks)
}

// quiet takes the ticks of what happened before: interfaces that come up report
// it more than once, and late.
func quiet(ticks <-chan struct{}) {
	for {
		select {
		case <-ticks:
		case <-time.After(50 * time.Millisecond):
			return
		}
	}
}

func expectTick(t *testing.T, ticks <-chan struct{}, what string) {
	t.Helper()
	select {
	case _, open := <-ticks:
		if !open {
			t.Fatal("the channel is closed after", what)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no tick after", what)
	}
}

func expectClosed(t *testing.T, ticks <-chan struct{}) {
	t.Helper()
	for deadline := time.After(20 * time.Second); ; {
		select {
		case _, open := <-ticks:
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("the channel is still open")
		}
	}
}

// Changes that do not fit into the socket are a tick, and later ones are told.
func TestWatchOverflow(t *testing.T) {
	n := node(t)
	var socket *nl.NetlinkSocket
	var err error
	n.Do(func() { socket, err = subscribe() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socket.Close)
	if err := socket.SetReceiveBufferSize(1, false); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		n.Run("ip", "addr", "add", fmt.Sprintf("10.0.0.%d/24", i+1), "dev", "eth0")
	}
	// The first read reports the loss; nothing else tells it from a change.
	lost := false
	receive := func() ([]syscall.NetlinkMessage, *unix.SockaddrNetlink, error) {
		messages, from, err := socket.Receive()
		lost = lost || errors.Is(err, unix.ENOBUFS)
		return messages, from, err
	}
	ticks := make(chan struct{}, 1)
	go func() {
		defer close(ticks)
		watch(receive, ticks)
	}()
	expectTick(t, ticks, "a loss")
	quiet(ticks)
	n.Run("ip", "addr", "flush", "dev", "eth0")
	expectTick(t, ticks, "a change behind a loss")
	socket.Close()
	expectClosed(t, ticks)
	if !lost {
		t.Error("nothing was lost: the test does not show what it should")
	}
}

func TestWatchEnds(t *testing.T) {
	ticks := make(chan struct{}, 1)
	answers := []error{nil, unix.ENOBUFS, unix.EINTR, unix.EBADF}
	watch(func() ([]syscall.NetlinkMessage, *unix.SockaddrNetlink, error) {
		err := answers[0]
		answers = answers[1:]
		return nil, nil, err
	}, ticks)
	if len(answers) != 0 || len(ticks) != 1 {
		t.Errorf("%d answers left, %d ticks, want 0 and 1", len(answers), len(ticks))
	}
}

package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Nothing else happens in the namespace: a tick is that of the change.
func TestWatch(t *testing.T) {
	const (
		address = "ip addr add 10.0.0.10/24 dev eth0"
		down    = "ip link set eth1 down"
		rule    = "ip rule add fwmark 0x80/0x80 lookup main priority 1024"
	)
	for _, test := range []struct {
		before []string
		change string
	}{
		{nil, address},
		{[]string{address}, "ip route add default via 10.0.0.1"},
		{[]string{address}, "ip route add 10.7.0.0/16 via 10.0.0.1 table 100"},
		{nil, down},
		{[]string{down}, "ip link set eth1 name ens6"},
		// The change of an address that no route shows.
		{[]string{address}, "ip addr change 10.0.0.10/24 dev eth0 valid_lft 1000 preferred_lft 1000"},
		{[]string{address}, "ip addr del 10.0.0.10/24 dev eth0"},
		{nil, "ip link del eth1"},
		{nil, rule},
		{[]string{rule}, "ip rule del priority 1024"},
	} {
		t.Run(test.change, func(t *testing.T) {
			n := node(t, test.before...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var ticks <-chan struct{}
			var err error
			n.Do(func() { ticks, err = Watch(ctx) })
			if err != nil {
				t.Fatal(err)
			}
			n.Run("ip", strings.Fields(test.change)[1:]...)
			expectTick(t, ticks, test.change)
			cancel()
			expectClosed(t, ticks)
		})
	}
}

func expectTick(t *testing.T, ticks <-chan struct{}, what string) {
	t.Helper()
	select {
	case _, open := <-ticks:
		if !open {
			t.Fatal("the channel is closed after", what)
		}
	case <-time.After(time.Minute):
		t.Fatal("no tick after", what)
	}
}

func expectClosed(t *testing.T, ticks <-chan struct{}) {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
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
	var flushed atomic.Bool // told of a removed address, as the last change has it
	receive := func() ([]syscall.NetlinkMessage, *unix.SockaddrNetlink, error) {
		messages, from, err := socket.Receive()
		lost = lost || errors.Is(err, unix.ENOBUFS)
		if slices.ContainsFunc(messages, func(m syscall.NetlinkMessage) bool { return m.Header.Type == unix.RTM_DELADDR }) {
			flushed.Store(true)
		}
		return messages, from, err
	}
	ticks := make(chan struct{}, 1)
	go func() {
		defer close(ticks)
		watch(receive, ticks)
	}()
	expectTick(t, ticks, "a loss")
	n.Run("ip", "addr", "flush", "dev", "eth0")
	for !flushed.Load() {
		expectTick(t, ticks, "a change behind a loss")
	}
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

package lab

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// every is each protocol that hosts answer on.
var every = []Proto{TCP, UDP, ICMP}

// A packet that leaves by one interface with a source of the other is dropped.
func TestSourceCheck(t *testing.T) {
	for _, test := range []struct {
		name  string
		from  func(*Lab) *Host
		table int // where the rule sends the host's packets
		proto []Proto
	}{
		{"secondary's pod by the primary interface", func(l *Lab) *Host { return l.PodB }, unix.RT_TABLE_MAIN, every},
		{"primary's pod by the secondary interface", func(l *Lab) *Host { return l.PodA }, secondary.table, every},
		// A raw socket has no source yet when its packet is routed.
		{"the node by the secondary interface", func(l *Lab) *Host { return l.Node }, secondary.table, []Proto{TCP, UDP}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			from := test.from(l)
			if err := l.Node.addRule(rule{Priority: 100, From: from.Addr, Table: test.table}); err != nil {
				t.Fatal(err)
			}
			for _, proto := range test.proto {
				mustDrop(t, l, from, proto, Internet)
			}
		})
	}
}

// An address that is assigned to no interface does not pass either one.
func TestSourceCheckUnknownAddress(t *testing.T) {
	l := newLab(t)
	eth0 := l.Node.space.Interface("eth0")
	neighbour := netip.MustParseAddr("10.0.0.11") // in the subnet of eth0
	if err := eth0.AddAddress(only(neighbour), 0); err != nil {
		t.Fatal(err)
	}
	primary, err := eth0.Link()
	if err != nil {
		t.Fatal(err)
	}
	routes, err := l.Node.Netlink().RouteGet(Internet.AsSlice())
	if err != nil {
		t.Fatal(err)
	}
	if len(routes) != 1 || routes[0].LinkIndex != primary.Attrs().Index {
		t.Fatalf("route to the internet: %v", routes)
	}
	routes[0].Src = neighbour.AsSlice()
	routes[0].Dst = netlink.NewIPNet(Internet.AsSlice())
	routes[0].Flags = 0
	if err := l.Node.Netlink().RouteAdd(&routes[0]); err != nil {
		t.Fatal(err)
	}
	mustDrop(t, l, l.Node, UDP, Internet)
}

// mustDrop waits until the fabric counts a drop; only then it gives up on the
// answer.
func mustDrop(t *testing.T, l *Lab, from *Host, proto Proto, to netip.Addr) {
	t.Helper()
	before, err := l.Dropped()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	answered := make(chan error, 1)
	go func() {
		_, err := Exchange(ctx, from, proto, netip.AddrPortFrom(to, Port))
		answered <- err
	}()
	for {
		after, err := l.Dropped()
		if err != nil {
			t.Fatal(err)
		}
		if after > before {
			break
		}
		select {
		case err := <-answered:
			t.Fatalf("%s from %s to %s: not dropped: %v", proto, from.Name, to, err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) {
		t.Errorf("%s from %s to %s: got %v, want no answer", proto, from.Name, to, err)
	}
}

func TestCounter(t *testing.T) {
	const text = "A: x y\nA: 1 2\nB: y z\nB: 3 4\n"
	if n, err := counter(text, "B:", "y"); n != 3 || err != nil {
		t.Errorf("B: y: %d, %v; want 3", n, err)
	}
	if _, err := counter(text, "A:", "z"); err == nil || err.Error() != "the kernel has no counter A: z" {
		t.Errorf("A: z: %v", err)
	}
}

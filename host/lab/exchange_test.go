package lab

import (
	"context"
	"net/netip"
	"testing"
)

// Without snatd nothing is translated: every host is seen with its own address,
// by every other.
func TestEveryPair(t *testing.T) {
	l := newLab(t)
	all := []*Host{l.Node, l.PodA, l.PodB, l.VPC, l.Second, l.Peered, l.Internet}
	for _, from := range all {
		for _, to := range all {
			for _, proto := range every {
				seen, err := Exchange(t.Context(), from, proto, netip.AddrPortFrom(to.Addr, Port))
				if err != nil {
					t.Errorf("to %s: %v", to.Name, err)
				} else if seen != from.Addr {
					t.Errorf("%s from %s to %s: seen as %s, want %s", proto, from.Name, to.Name, seen, from.Addr)
				}
			}
		}
	}
}

func TestOpenConnectionKeepsItsPort(t *testing.T) {
	l := newLab(t)
	for _, proto := range []Proto{TCP, UDP} {
		c, err := Open(t.Context(), l.PodA, proto, netip.AddrPortFrom(Internet, Port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 2 {
			seen, err := c.Ask(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if seen != c.Local() {
				t.Errorf("%s: seen as %s, want %s", proto, seen, c.Local())
			}
		}
	}
}

func TestAskAfterCancel(t *testing.T) {
	l := newLab(t)
	c, err := Open(t.Context(), l.PodA, TCP, netip.AddrPortFrom(Internet, Port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Ask(cancelled); err == nil || err.Error() != "tcp from pod-a to 198.51.100.20:8080: ask: context canceled" {
		t.Errorf("ask with a cancelled context: %v", err)
	}
}

func TestOpenWrongProtocol(t *testing.T) {
	l := newLab(t)
	_, err := Open(t.Context(), l.PodA, ICMP, netip.AddrPortFrom(Internet, Port))
	want := `open a connection from pod-a to 198.51.100.20:8080: protocol "icmp" is not tcp or udp`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A question never looks like one that the node still remembers.
func TestFlowsDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range 1000 {
		port, id := newPort(), newID()
		if seen[port] || seen[id] || port < firstPort || port >= firstPort+ports {
			t.Fatalf("port %d, id %d: seen before or out of range", port, id)
		}
		seen[port], seen[id] = true, true
	}
}

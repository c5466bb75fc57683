package lab

import (
	"net/netip"
	"testing"
)

func TestService(t *testing.T) {
	l := newLab(t)
	other := netip.MustParseAddr("172.20.0.11")
	if err := l.AddService(other, VPC); err != nil {
		t.Fatal(err)
	}
	if err := l.AddService(ServiceAddress, Internet); err != nil {
		t.Fatal(err)
	}
	for _, from := range []*Host{l.PodA, l.PodB} {
		for _, service := range []netip.Addr{ServiceAddress, other} {
			for _, proto := range every {
				seen, err := Exchange(t.Context(), from, proto, netip.AddrPortFrom(service, Port))
				if err != nil {
					t.Error(err)
				} else if seen != from.Addr {
					t.Errorf("%s from %s to %s: seen as %s", proto, from.Name, service, seen)
				}
			}
		}
	}
}

// The answer comes from the endpoint and no other host: the one that is not
// there gives none.
func TestServiceGoesToItsEndpoint(t *testing.T) {
	l := newLab(t)
	if err := l.AddService(ServiceAddress, Internet); err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), l.PodB, TCP, netip.AddrPortFrom(ServiceAddress, Port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Internet.peer.mu.Lock()
	defer l.Internet.peer.mu.Unlock()
	for conn := range l.Internet.peer.conns {
		if got := conn.RemoteAddr().String(); got == c.Local().String() {
			return
		}
	}
	t.Errorf("no connection from %s at the endpoint", c.Local())
}

func TestServiceTwice(t *testing.T) {
	l := newLab(t)
	if err := l.AddService(ServiceAddress, Internet); err != nil {
		t.Fatal(err)
	}
	err := l.AddService(ServiceAddress, VPC)
	if want := "node: add service 172.20.0.10: it exists"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

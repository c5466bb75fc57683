package nstest

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// End is one end of a cable between two namespaces.
type End struct {
	Namespace *Namespace
	Interface string       // at most 15 characters
	Addr      netip.Prefix // the address of the interface with its network
}

// Wire connects two namespaces by a pair of interfaces, with addresses, up.
func Wire(t testing.TB, a, b End) {
	t.Helper()
	a.Namespace.Do(func() {
		pair := &netlink.Veth{
			LinkAttrs:     netlink.LinkAttrs{Name: a.Interface},
			PeerName:      b.Interface,
			PeerNamespace: netlink.NsFd(b.Namespace.handle),
		}
		if err := netlink.LinkAdd(pair); err != nil {
			t.Fatalf("interfaces %s and %s: %v", a.Interface, b.Interface, err)
		}
	})
	a.up(t)
	b.up(t)
}

func (e End) up(t testing.TB) {
	t.Helper()
	e.Namespace.Do(func() {
		link, err := netlink.LinkByName(e.Interface)
		if err == nil && e.Addr.IsValid() {
			err = netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(e.Addr)})
		}
		if err == nil {
			err = netlink.LinkSetUp(link)
		}
		if err != nil {
			t.Fatalf("interface %s: %v", e.Interface, err)
		}
	})
}

// Route adds a route to the main table.
func (n *Namespace) Route(to netip.Prefix, via netip.Addr) {
	n.t.Helper()
	n.Do(func() {
		if err := netlink.RouteAdd(&netlink.Route{Dst: ipNet(to), Gw: via.AsSlice()}); err != nil {
			n.t.Fatalf("route to %s via %s: %v", to, via, err)
		}
	})
}

// Eventually waits until a condition holds, and fails the test if it does not
// within a time that only a broken test needs.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

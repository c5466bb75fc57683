package netspace

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interface is an interface of a namespace. It need not exist yet.
type Interface struct {
	namespace *Namespace
	name      string
}

// Interface is the namespace's interface of that name, of at most 15 characters.
func (n *Namespace) Interface(name string) Interface { return Interface{n, name} }

// Connect makes two interfaces that are the ends of one cable (a veth pair), and
// returns when packets can pass.
func Connect(ctx context.Context, a, b Interface) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = a.name
	cable := &netlink.Veth{LinkAttrs: attrs, PeerName: b.name, PeerNamespace: netlink.NsFd(b.namespace.handle)}
	if err := a.namespace.links.LinkAdd(cable); err != nil {
		return fmt.Errorf("connect %s of %s with %s of %s: %w", a.name, a.namespace.name, b.name, b.namespace.name, err)
	}
	for _, end := range []Interface{a, b} {
		if err := end.setUp(); err != nil {
			return err
		}
	}
	for _, end := range []Interface{a, b} {
		if err := end.awaitCarrier(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Link is the interface as the kernel has it now.
func (i Interface) Link() (netlink.Link, error) {
	link, err := i.namespace.links.LinkByName(i.name)
	if err != nil {
		return nil, fmt.Errorf("%s: interface %s: %w", i.namespace.name, i.name, err)
	}
	return link, nil
}

// AddAddress gives the interface an address, and the namespace a route to its
// subnet, unless flags say unix.IFA_F_NOPREFIXROUTE.
func (i Interface) AddAddress(addr netip.Prefix, flags int) error {
	return i.change("add address "+addr.String(), func(n *netlink.Handle, link netlink.Link) error {
		return n.AddrAdd(link, &netlink.Addr{IPNet: ipNet(addr), Flags: flags})
	})
}

// Route is what goes by an interface. Without Via, the destinations are on its link.
type Route struct {
	To    netip.Prefix
	Via   netip.Addr
	Table int // 0 is the main table
}

// AddRoute adds a route by the interface.
func (i Interface) AddRoute(r Route) error {
	return i.change("add route to "+r.To.String(), func(n *netlink.Handle, link netlink.Link) error {
		route := &netlink.Route{Dst: ipNet(r.To), LinkIndex: link.Attrs().Index, Gw: r.Via.AsSlice(), Table: r.Table}
		if !r.Via.IsValid() {
			route.Scope = netlink.SCOPE_LINK
		}
		return n.RouteAdd(route)
	})
}

// AddRoute adds a route to the main table, by the interface on whose link the next hop is.
func (n *Namespace) AddRoute(to netip.Prefix, via netip.Addr) error {
	if err := n.links.RouteAdd(&netlink.Route{Dst: ipNet(to), Gw: via.AsSlice()}); err != nil {
		return fmt.Errorf("%s: add route to %s via %s: %w", n.name, to, via, err)
	}
	return nil
}

// AddNeighbour makes known, for good, that an address is at another interface.
func (i Interface) AddNeighbour(addr netip.Addr, at Interface) error {
	other, err := at.Link()
	if err != nil {
		return err
	}
	return i.change("add neighbour "+addr.String(), func(n *netlink.Handle, link netlink.Link) error {
		return n.NeighAdd(&netlink.Neigh{
			LinkIndex:    link.Attrs().Index,
			Family:       unix.AF_INET,
			State:        unix.NUD_PERMANENT,
			IP:           addr.AsSlice(),
			HardwareAddr: other.Attrs().HardwareAddr,
		})
	})
}

func (i Interface) setUp() error {
	return i.change("set up", (*netlink.Handle).LinkSetUp)
}

// change does something to the interface; what says what in errors.
func (i Interface) change(what string, do func(*netlink.Handle, netlink.Link) error) error {
	link, err := i.Link()
	if err != nil {
		return err
	}
	if err := do(i.namespace.links, link); err != nil {
		return fmt.Errorf("%s: interface %s: %s: %w", i.namespace.name, i.name, what, err)
	}
	return nil
}

// awaitCarrier waits until the kernel sends packets by the interface. It begins
// to a moment after both ends are up, and drops them before.
func (i Interface) awaitCarrier(ctx context.Context) error {
	for {
		link, err := i.Link()
		if err != nil {
			return err
		}
		state := link.Attrs().OperState
		if state == netlink.OperUp {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: interface %s is %s, not up: %w", i.namespace.name, i.name, state, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

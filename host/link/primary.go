// Package link finds the node's primary network interface and its addresses, the way to others, and
// tells when interfaces, addresses, routes or routing rules change. It reads over netlink and changes nothing; what follows
// from a change is for its caller.
package link

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Link is a network interface with the address that connections get when they
// are translated to it.
type Link struct {
	Name  string
	Index int
	Addr  netip.Addr // IPv4
	// Addrs are all global IPv4 addresses that the interface holds, ascending;
	// Addr is one of them.
	Addrs []netip.Addr
}

// Equal tells that both are the same in everything.
func (l Link) Equal(other Link) bool {
	return l.Name == other.Name && l.Index == other.Index && l.Addr == other.Addr && slices.Equal(l.Addrs, other.Addrs)
}

// ErrNotYet says that something is missing that a node gets while it starts: a
// default route, or an address. It is worth waiting for a change.
var ErrNotYet = errors.New("the network is not ready yet")

// Primary finds the primary interface and address in the network namespace of
// the calling thread. An empty interfaceName is the interface of the IPv4
// default route of the main table, of several the one with the lowest metric.
// The zero addr is the interface's first global IPv4 address; another one must
// be an address of the interface. Errors say what there is instead.
func Primary(interfaceName string, addr netip.Addr) (Link, error) {
	found, err := primaryLink(interfaceName)
	if err != nil {
		return Link{}, err
	}
	name := found.Attrs().Name
	held, err := addresses()
	if err != nil {
		return Link{}, err
	}
	addrs := held[found.Attrs().Index]
	if len(addrs) == 0 {
		return Link{}, fmt.Errorf("%w: interface %s has no global IPv4 address", ErrNotYet, name)
	}
	if !addr.IsValid() {
		addr = addrs[0]
	} else if !slices.Contains(addrs, addr) {
		return Link{}, fmt.Errorf("interface %s has no address %s: it has %s", name, addr, join(addrs))
	}
	all := slices.SortedFunc(slices.Values(addrs), netip.Addr.Compare)
	return Link{Name: name, Index: found.Attrs().Index, Addr: addr, Addrs: all}, nil
}

func primaryLink(name string) (netlink.Link, error) {
	if name == "" {
		return defaultLink()
	}
	all, err := links()
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if l.Attrs().Name == name {
			return l, nil
		}
	}
	return nil, fmt.Errorf("there is no interface %s: this node has %s", name, names(all))
}

// defaultLink is the interface that packets to anywhere leave by.
func defaultLink() (netlink.Link, error) {
	filter := &netlink.Route{Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST} // no Dst is 0.0.0.0/0
	routes, err := complete(func() ([]netlink.Route, error) {
		return netlink.RouteListFiltered(netlink.FAMILY_V4, filter,
			netlink.RT_FILTER_TABLE|netlink.RT_FILTER_TYPE|netlink.RT_FILTER_DST)
	})
	if err != nil {
		return nil, fmt.Errorf("list IPv4 routes: %w", err)
	}
	if len(routes) == 0 {
		return nil, fmt.Errorf("%w: the main table has no IPv4 default route", ErrNotYet)
	}
	best := routes[0]
	for _, route := range routes {
		if route.Priority < best.Priority {
			best = route
		}
	}
	index := best.LinkIndex
	if len(best.MultiPath) > 0 {
		index = best.MultiPath[0].LinkIndex
	}
	found, err := netlink.LinkByIndex(index)
	if err != nil {
		// It has gone after the route was read; its route goes with it.
		return nil, fmt.Errorf("%w: interface %d of the IPv4 default route: %w", ErrNotYet, index, err)
	}
	return found, nil
}

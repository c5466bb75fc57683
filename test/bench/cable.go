package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// end is one end of a cable.
type end struct {
	namespace *namespace
	name      string
}

// connect makes a cable and returns when it carries packets.
func connect(a, b end) error {
	attributes := netlink.NewLinkAttrs()
	attributes.Name = a.name
	cable := &netlink.Veth{LinkAttrs: attributes, PeerName: b.name, PeerNamespace: netlink.NsFd(b.namespace.handle)}
	if err := a.namespace.netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("interfaces %s and %s: %w", a.name, b.name, err)
	}
	if err := errors.Join(a.up(), b.up()); err != nil {
		return err
	}
	return errors.Join(a.awaitCarrier(), b.awaitCarrier())
}

func (e end) link() (netlink.Link, error) {
	link, err := e.namespace.netlink.LinkByName(e.name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", e.name, err)
	}
	return link, nil
}

func (e end) up() error {
	link, err := e.link()
	if err == nil {
		err = e.namespace.netlink.LinkSetUp(link)
	}
	return e.failed("set up", err)
}

// awaitCarrier waits until the kernel sends by an interface: it begins to a
// moment after both ends are up, and drops packets before.
func (e end) awaitCarrier() error {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		link, err := e.link()
		if err != nil {
			return err
		}
		if link.Attrs().OperState == netlink.OperUp {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("interface %s is %s, not up", e.name, link.Attrs().OperState)
		}
	}
}

func (e end) address(p netip.Prefix) error {
	link, err := e.link()
	if err == nil {
		err = e.namespace.netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(p)})
	}
	return e.failed("address "+p.String(), err)
}

// route adds a route by the interface, to the link itself if via is the zero Addr.
func (e end) route(to netip.Prefix, via netip.Addr) error {
	link, err := e.link()
	if err == nil {
		route := &netlink.Route{Dst: ipNet(to), LinkIndex: link.Attrs().Index, Gw: via.AsSlice()}
		if !via.IsValid() {
			route.Scope = netlink.SCOPE_LINK
		}
		err = e.namespace.netlink.RouteAdd(route)
	}
	return e.failed("route to "+to.String(), err)
}

// neighbour says that addr is at another end.
func (e end) neighbour(addr netip.Addr, at end) error {
	link, err := e.link()
	if err != nil {
		return err
	}
	other, err := at.link()
	if err != nil {
		return err
	}
	return e.failed("neighbour "+addr.String(), e.namespace.netlink.NeighAdd(&netlink.Neigh{
		LinkIndex:    link.Attrs().Index,
		Family:       unix.AF_INET,
		State:        unix.NUD_PERMANENT,
		IP:           addr.AsSlice(),
		HardwareAddr: other.Attrs().HardwareAddr,
	}))
}

func (e end) failed(what string, err error) error {
	if err != nil {
		return fmt.Errorf("interface %s: %s: %w", e.name, what, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

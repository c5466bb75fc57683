package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
)

// connect joins two hosts by a cable (a veth pair) with an interface at each
// end, and returns when packets can pass.
func connect(ctx context.Context, a *Host, aName string, b *Host, bName string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = aName
	cable := &netlink.Veth{LinkAttrs: attrs, PeerName: bName, PeerNamespace: netlink.NsFd(b.ns)}
	if err := a.links.LinkAdd(cable); err != nil {
		return fmt.Errorf("connect %s of %s with %s of %s: %w", aName, a.Name, bName, b.Name, err)
	}
	if err := a.setUp(aName); err != nil {
		return err
	}
	if err := b.setUp(bName); err != nil {
		return err
	}
	if err := a.awaitCarrier(ctx, aName); err != nil {
		return err
	}
	return b.awaitCarrier(ctx, bName)
}

func (h *Host) link(name string) (netlink.Link, error) {
	link, err := h.links.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("%s: interface %s: %w", h.Name, name, err)
	}
	return link, nil
}

func (h *Host) setUp(name string) error {
	link, err := h.link(name)
	if err != nil {
		return err
	}
	if err := h.links.LinkSetUp(link); err != nil {
		return fmt.Errorf("%s: set %s up: %w", h.Name, name, err)
	}
	return nil
}

// awaitCarrier waits until the kernel sends packets by an interface. It begins
// to a moment after both ends are up, and drops them before.
func (h *Host) awaitCarrier(ctx context.Context, name string) error {
	for {
		link, err := h.link(name)
		if err != nil {
			return err
		}
		if link.Attrs().OperState == netlink.OperUp {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %s is %s, not up: %w", h.Name, name, link.Attrs().OperState, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// addAddress gives an interface an address. With flags unix.IFA_F_NOPREFIXROUTE
// the kernel makes no route to its subnet.
func (h *Host) addAddress(name string, addr netip.Prefix, flags int) error {
	link, err := h.link(name)
	if err != nil {
		return err
	}
	if err := h.links.AddrAdd(link, &netlink.Addr{IPNet: ipNet(addr), Flags: flags}); err != nil {
		return fmt.Errorf("%s: add address %s to %s: %w", h.Name, addr, name, err)
	}
	return nil
}

// route is a route by an interface; without Via, its destinations are on the link.
type route struct {
	To    netip.Prefix
	Dev   string
	Via   netip.Addr
	Table int // 0 is the main table
}

func (h *Host) addRoute(r route) error {
	link, err := h.link(r.Dev)
	if err != nil {
		return err
	}
	kernel := &netlink.Route{Dst: ipNet(r.To), LinkIndex: link.Attrs().Index, Table: r.Table}
	if r.Via.IsValid() {
		kernel.Gw = r.Via.AsSlice()
	} else {
		kernel.Scope = netlink.SCOPE_LINK
	}
	if err := h.links.RouteAdd(kernel); err != nil {
		return fmt.Errorf("%s: add route to %s by %s: %w", h.Name, r.To, r.Dev, err)
	}
	return nil
}

// everywhere is the destination of a default route.
var everywhere = netip.MustParsePrefix("0.0.0.0/0")

// only is the prefix that covers one address.
func only(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, 32) }

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}

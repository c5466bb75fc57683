package link

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
)

// addresses are the IPv4 addresses of an interface in the kernel's order, in
// which the primary address of a subnet is before its secondary ones.
func addresses(l netlink.Link) ([]netip.Addr, error) {
	listed, err := complete(func() ([]netlink.Addr, error) { return netlink.AddrList(l, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("list addresses of interface %s: %w", l.Attrs().Name, err)
	}
	var addrs []netip.Addr
	for _, a := range listed {
		// Narrower scopes, of loopback and link-local addresses, are of no use to
		// other machines.
		if addr, ok := netip.AddrFromSlice(a.IP.To4()); ok && a.Scope == int(netlink.SCOPE_UNIVERSE) {
			addrs = append(addrs, addr)
		}
	}
	return addrs, nil
}

func join(addrs []netip.Addr) string {
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

package link

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
)

// addresses are the global IPv4 addresses of all interfaces, by the interface's
// index and in the kernel's order, in which the primary address of a subnet is
// before its secondary ones.
func addresses() (map[int][]netip.Addr, error) {
	listed, err := complete(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("list IPv4 addresses: %w", err)
	}
	held := map[int][]netip.Addr{}
	for _, a := range listed {
		// Narrower scopes, of loopback and link-local addresses, are of no use to
		// other machines.
		if addr, ok := netip.AddrFromSlice(a.IP.To4()); ok && a.Scope == int(netlink.SCOPE_UNIVERSE) {
			held[a.LinkIndex] = append(held[a.LinkIndex], addr)
		}
	}
	return held, nil
}

// Addresses are the global IPv4 addresses of the node, of all interfaces, in no order.
func Addresses() (list []netip.Addr, err error) {
	held, err := addresses()
	for _, addrs := range held {
		list = append(list, addrs...)
	}
	return list, err
}

func join(addrs []netip.Addr) string {
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

package link

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// ByMAC returns the name of the interface with a hardware address, such as
// "02:00:00:00:00:01", in the network namespace of the calling thread.
//
// A bond or a bridge takes the address of an interface below it, a VLAN and some
// macvlans that of theirs. Of several, it is the one that holds addr, if addr is
// valid and one of them does; otherwise the one that stands on its own: not the
// port of another of them, where the addresses are on that other, and not made
// on top of another. The error wraps ErrNotYet if there is no interface with the
// address, or none of several has addr yet; it names several that are equal.
func ByMAC(mac string, addr netip.Addr) (string, error) {
	all, err := links()
	if err != nil {
		return "", err
	}
	same := filter(all, func(l netlink.Link) bool { return strings.EqualFold(l.Attrs().HardwareAddr.String(), mac) })
	if len(same) == 0 {
		return "", fmt.Errorf("%w: there is no interface with the address %s", ErrNotYet, mac)
	}
	if len(same) == 1 {
		return same[0].Attrs().Name, nil
	}
	held, err := addresses()
	if err != nil {
		return "", err
	}
	holders := filter(same, func(l netlink.Link) bool { return slices.Contains(held[l.Attrs().Index], addr) })
	choice := holders
	if len(choice) == 0 {
		choice = same
	}
	if len(choice) > 1 {
		choice = filter(choice, func(l netlink.Link) bool { return ownStanding(l, same) })
	}
	switch {
	case len(choice) == 1:
		return choice[0].Attrs().Name, nil
	case addr.IsValid() && len(holders) == 0:
		return "", fmt.Errorf("%w: none of several interfaces with the address %s has %s: %s", ErrNotYet, mac, addr, names(same))
	}
	return "", fmt.Errorf("several interfaces have the address %s: %s: network.primaryInterface can name one", mac, names(same))
}

// ownStanding tells that an interface is neither a port of one of the others nor
// made on top of one. Who has another hardware address does not count: an
// interface in a VRF keeps its addresses, and the far end of a cable, which the
// kernel calls a parent too, is nothing below.
func ownStanding(l netlink.Link, others []netlink.Link) bool {
	return !slices.ContainsFunc(others, func(other netlink.Link) bool {
		a, index := l.Attrs(), other.Attrs().Index
		// The index of a parent in another namespace means nothing in this one.
		const here = -1
		return a.MasterIndex == index || a.ParentIndex == index && a.NetNsID == here
	})
}

func filter(all []netlink.Link, keep func(netlink.Link) bool) (kept []netlink.Link) {
	for _, l := range all {
		if keep(l) {
			kept = append(kept, l)
		}
	}
	return kept
}

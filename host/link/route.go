package link

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Route is where the kernel sends packets to an address.
type Route struct {
	// Interface is the name of the one that they leave by; empty if there is no way.
	Interface string
	// Local says that the address is the node's own.
	Local bool
}

// RouteTo asks the kernel for the way to an IPv4 address, of packets with a mark, 0 for
// none, in the network namespace of the calling thread.
func RouteTo(to netip.Addr, mark uint32) (Route, error) {
	found, err := netlink.RouteGetWithOptions(to.AsSlice(), &netlink.RouteGetOptions{Mark: mark})
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return Route{}, nil // no route, or one that refuses
	case err != nil:
		return Route{}, fmt.Errorf("route to %s: %w", to, err)
	case len(found) == 0:
		return Route{}, nil
	}
	route := Route{Local: found[0].Type == unix.RTN_LOCAL}
	if found[0].LinkIndex != 0 {
		by, err := netlink.LinkByIndex(found[0].LinkIndex)
		if err != nil {
			return Route{}, fmt.Errorf("route to %s: interface %d: %w", to, found[0].LinkIndex, err)
		}
		route.Interface = by.Attrs().Name
	}
	return route, nil
}

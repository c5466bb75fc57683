package document

import (
	"fmt"
	"net/netip"
	"reflect"
)

// parsers are the types whose own UnmarshalText speaks to programmers.
var parsers = map[reflect.Type]func(string) (any, error){
	reflect.TypeFor[netip.Prefix](): func(text string) (any, error) { return ParseCIDR(text) },
	reflect.TypeFor[netip.Addr]():   func(text string) (any, error) { return ParseAddr(text) },
}

// ParseCIDR reads an IPv4 CIDR without host bits, the only kind of network that
// snatd's files and variables hold: what it decides is IPv4 alone.
func ParseCIDR(text string) (netip.Prefix, error) {
	const accepted = "an IPv4 CIDR, such as 10.0.0.0/16"
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%s is not a CIDR, accepted: %s", Quote(text), accepted)
	case !prefix.Addr().Is4():
		return netip.Prefix{}, fmt.Errorf("%s is IPv6, accepted: %s", Quote(text), accepted)
	case prefix != prefix.Masked():
		return netip.Prefix{}, fmt.Errorf("%s has host bits set, accepted: %s", Quote(text), prefix.Masked())
	}
	return prefix, nil
}

// ParseAddr reads an IP address of either family, without a zone, and IPv4 only
// as IPv4: one address has one spelling.
func ParseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("%s is not an address, accepted: an IP address, such as 10.0.0.10", Quote(text))
	case addr.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%s has a zone, accepted: %s", Quote(text), addr.WithZone(""))
	case addr.Is4In6():
		return netip.Addr{}, fmt.Errorf("%s is IPv4 written as IPv6, accepted: %s", Quote(text), addr.Unmap())
	}
	return addr, nil
}

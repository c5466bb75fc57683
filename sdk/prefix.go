package sdk

import (
	"errors"
	"net/netip"
	"strconv"
)

// Everywhere is 0.0.0.0/0, every destination.
var Everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// ParsePrefix parses an IPv4 prefix such as 10.0.0.0/8, without host bits. The
// error quotes the text and says what would be accepted.
func ParsePrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
			return netip.Prefix{}, errors.New(strconv.Quote(text) + " has no length, write " + text + "/32")
		}
		return netip.Prefix{}, errors.New(strconv.Quote(text) + " is not an IPv4 prefix, want one such as 10.0.0.0/8")
	}
	if err := checkPrefix(prefix); err != nil {
		return netip.Prefix{}, err
	}
	return prefix, nil
}

// ParsePrefixes parses a list of IPv4 prefixes, separated by commas, white
// space or both. A text without any is an empty list.
func ParsePrefixes(text string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, item := range Words(text) {
		prefix, err := ParsePrefix(item)
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// Covers says whether all of inner is in outer. A prefix covers itself.
func Covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// checkPrefix says what keeps a prefix from being a destination.
func checkPrefix(prefix netip.Prefix) error {
	switch {
	case !prefix.IsValid():
		return errors.New("the zero prefix is not an IPv4 prefix, want one such as 10.0.0.0/8")
	case !prefix.Addr().Is4():
		return errors.New(strconv.Quote(prefix.String()) + " is IPv6, only IPv4 is accepted")
	case prefix != prefix.Masked():
		return errors.New(strconv.Quote(prefix.String()) + " has host bits set, write " + prefix.Masked().String())
	}
	return nil
}

package aws

import (
	"cmp"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/snatd/snatd/host/document"
)

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

// checkName checks a region, a zone or the like.
func checkName(path, value, example string) error {
	if !name.MatchString(value) {
		return invalid(path, "%s, accepted: up to 64 lower-case letters, digits, \"-\" and \".\", such as %s", document.Quote(value), example)
	}
	return nil
}

var id = regexp.MustCompile(`^([a-z]+)-([0-9a-f]{8}|[0-9a-f]{17})$`)

// parseID parses the ID of a kind of resource, such as "subnet".
func parseID(kind string) func(path, value string) (string, error) {
	return func(path, value string) (string, error) {
		if match := id.FindStringSubmatch(value); match == nil || match[1] != kind {
			return "", invalid(path, "%s is not an ID, accepted: such as %s-0123456789abcdef0", document.Quote(value), kind)
		}
		return value, nil
	}
}

func parseMAC(path, value string) (string, error) {
	mac, err := net.ParseMAC(value)
	if err != nil || len(mac) != 6 {
		return "", invalid(path, "%s is not a MAC, accepted: such as 02:00:00:00:00:01", document.Quote(value))
	}
	return mac.String(), nil
}

// parseMACs parses a list of interfaces, which ends each in a slash.
func parseMACs(path, value string) ([]string, error) {
	macs, err := parseList(path, value, func(path, item string) (string, error) {
		return parseMAC(path, strings.TrimSuffix(item, "/"))
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(macs)
	for i, mac := range macs {
		if i > 0 && mac == macs[i-1] {
			return nil, invalid(path, "%s is there twice", mac)
		}
	}
	return macs, nil
}

// parseIndex parses the number of a card or of a device on it.
func parseIndex(path, value string) (int, error) {
	const most = 255
	index, err := strconv.Atoi(value)
	if err != nil || index < 0 || index > most {
		return 0, invalid(path, "%s, accepted: a number from 0 to %d", document.Quote(value), most)
	}
	return index, nil
}

func parseCIDR(path, value string) (netip.Prefix, error) {
	cidr, err := document.ParseCIDR(value)
	if err != nil {
		return cidr, invalid(path, "%v", err)
	}
	return cidr, nil
}

func parseCIDRs(path, value string) ([]netip.Prefix, error) {
	cidrs, err := parseList(path, value, parseCIDR)
	return sortCIDRs(cidrs), err
}

// sortCIDRs brings CIDRs into their order, each once.
func sortCIDRs(cidrs []netip.Prefix) []netip.Prefix {
	slices.SortFunc(cidrs, netip.Prefix.Compare)
	return slices.Compact(cidrs)
}

// parseVPC parses the CIDRs of a VPC. There is no VPC without one, and without
// any all its traffic would be translated.
func parseVPC(path, value string) ([]netip.Prefix, error) {
	cidrs, err := parseCIDRs(path, value)
	if err == nil && len(cidrs) == 0 {
		err = invalid(path, "empty, accepted: at least one IPv4 CIDR, such as 10.0.0.0/16")
	}
	return cidrs, err
}

// parseAddresses parses an interface's IPv4 addresses. IMDS lists the primary
// one first; the others have no order.
func parseAddresses(path, value string) ([]netip.Addr, error) {
	addrs, err := parseList(path, value, func(path, item string) (netip.Addr, error) {
		addr, err := document.ParseAddr(item)
		switch {
		case err != nil:
			return addr, invalid(path, "%v", err)
		case !addr.Is4():
			return addr, invalid(path, "%s is IPv6, accepted: an IPv4 address, such as 10.0.0.10", document.Quote(item))
		}
		return addr, nil
	})
	if len(addrs) > 1 {
		primary := addrs[0]
		others := slices.DeleteFunc(addrs[1:], func(addr netip.Addr) bool { return addr == primary })
		slices.SortFunc(others, netip.Addr.Compare)
		addrs = append([]netip.Addr{primary}, slices.Compact(others)...)
	}
	return addrs, err
}

// parseList parses a value with one item on each line; nil if it is empty.
func parseList[T any](path, value string, parse func(path, item string) (T, error)) ([]T, error) {
	var list []T
	for line := range strings.Lines(value) {
		item, err := parse(path, strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// arrange brings interfaces into their order, and checks what they say together.
func (i *Instance) arrange() error {
	slices.SortFunc(i.Interfaces, func(a, b Interface) int {
		return cmp.Or(cmp.Compare(a.Card, b.Card), cmp.Compare(a.Device, b.Device), cmp.Compare(a.MAC, b.MAC))
	})
	for at := 1; at < len(i.Interfaces); at++ {
		n, before := i.Interfaces[at], i.Interfaces[at-1]
		if n.Card == before.Card && n.Device == before.Device {
			return invalid(pathMACs+"/"+n.MAC+"/device-number", "%d on card %d is that of %s too", n.Device, n.Card, before.MAC)
		}
	}
	if !slices.ContainsFunc(i.Interfaces, func(n Interface) bool { return n.MAC == i.PrimaryMAC }) {
		return invalid(pathMAC, "%s is not among %s", i.PrimaryMAC, pathMACs)
	}
	return nil
}

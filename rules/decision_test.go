package rules_test

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules"
)

func TestDecisionCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry []rules.Entry
		want  string
	}{
		{"no opinion", nil, ""},
		{"overlap", entries(exclude, "10.0.0.0/8", "10.1.0.0/16"), ""},
		{"everything excluded", entries(exclude, "0.0.0.0/0"), ""},
		{"single address", entries(exclude, "10.0.0.1/32"), ""},
		{"same twice", entries(exclude, "10.0.0.0/8", "10.0.0.0/8"), ""},
		{"a source", entries(to("10.0.0.11"), "10.0.0.0/8"), ""},
		{
			"twice with different actions", append(entries(exclude, "1.0.0.0/8", "10.0.0.0/8"), entries(translate, "10.0.0.0/8")...),
			`module "m": prefix 10.0.0.0/8 is decided twice: exclude, and translate; accepted is one outcome per prefix`,
		},
		{
			"twice with different sources", append(entries(to("10.0.0.11"), "0.0.0.0/0"), entries(translate, "0.0.0.0/0")...),
			`module "m": prefix 0.0.0.0/0 is decided twice: translate to 10.0.0.11, and translate; accepted is one outcome per prefix`,
		},
		{
			"not valid", []rules.Entry{{Outcome: exclude}},
			`module "m": entry 1: prefix is not valid: accepted is an IPv4 prefix such as 10.0.0.0/8`,
		},
		{
			"too long", []rules.Entry{{Prefix: netip.PrefixFrom(addr("10.0.0.0"), 33), Outcome: exclude}},
			`module "m": entry 1: prefix is not valid: accepted is an IPv4 prefix such as 10.0.0.0/8`,
		},
		{
			"IPv6", entries(exclude, "10.0.0.0/8", "fd00::/8"),
			`module "m": entry 2: prefix fd00::/8 is IPv6: accepted is an IPv4 prefix such as 10.0.0.0/8`,
		},
		{
			"host bits", entries(exclude, "10.0.0.1/8"),
			`module "m": entry 1: prefix 10.0.0.1/8 has host bits set: accepted is 10.0.0.0/8`,
		},
		{
			"unknown action", entries(rules.Outcome{Action: "drop"}, "10.0.0.0/8"),
			`module "m": entry 1: prefix 10.0.0.0/8: action "drop": accepted are "exclude" and "translate"`,
		},
		{
			"exclude with a source", entries(rules.Outcome{Action: rules.Exclude, Source: addr("10.0.0.11")}, "10.0.0.0/8"),
			`module "m": entry 1: prefix 10.0.0.0/8: "exclude" takes no source address, got 10.0.0.11`,
		},
		{
			"IPv6 source", entries(to("fd00::1"), "10.0.0.0/8"),
			`module "m": entry 1: prefix 10.0.0.0/8: source fd00::1: accepted is an IPv4 address of the node, or none for the primary one`,
		},
		{
			"IPv4 source written as IPv6", entries(to("::ffff:10.0.0.11"), "10.0.0.0/8"),
			`module "m": entry 1: prefix 10.0.0.0/8: source ::ffff:10.0.0.11: accepted is an IPv4 address of the node, or none for the primary one`,
		},
		{
			"unspecified source", append(entries(translate, "0.0.0.0/0"), entries(to("0.0.0.0"), "10.0.0.0/8")...),
			`module "m": entry 2: prefix 10.0.0.0/8: source 0.0.0.0: accepted is an IPv4 address of the node, or none for the primary one`,
		},
		{
			"loopback source", entries(to("127.0.0.1"), "10.0.0.0/8"),
			`module "m": entry 1: prefix 10.0.0.0/8: source 127.0.0.1: accepted is an IPv4 address of the node, or none for the primary one`,
		},
		{
			"multicast source", entries(to("239.1.2.3"), "10.0.0.0/8"),
			`module "m": entry 1: prefix 10.0.0.0/8: source 239.1.2.3: accepted is an IPv4 address of the node, or none for the primary one`,
		},
		{
			"broadcast source", entries(to("255.255.255.255"), "10.0.0.0/8"),
			`module "m": entry 1: prefix 10.0.0.0/8: source 255.255.255.255: accepted is an IPv4 address of the node, or none for the primary one`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sameError(t, module("m", c.entry).Check(), c.want)
		})
	}
}

func TestMatch(t *testing.T) {
	decisions := []rules.Decision{
		module("first", entries(translate, "10.1.0.0/16"), entries(exclude, "10.1.2.0/24")),
		module("silent"),
		excluding("10.0.0.0/8", "10.1.2.3/32"),
	}
	for _, c := range []struct{ dst, module, prefix string }{
		{"10.1.2.3", "first", "10.1.2.0/24"},
		{"10.1.3.0", "first", "10.1.0.0/16"},
		{"10.2.0.0", "default", "10.0.0.0/8"},
		{"8.8.8.8", "default", "0.0.0.0/0"},
	} {
		name, e, ok := rules.Match(decisions, addr(c.dst))
		if !ok || name != c.module || e.Prefix.String() != c.prefix {
			t.Errorf("%s: got %q %s %v, want %q %s", c.dst, name, e.Prefix, ok, c.module, c.prefix)
		}
	}
	if name, e, ok := rules.Match(decisions[:2], addr("8.8.8.8")); ok {
		t.Errorf("nothing covers 8.8.8.8, got %q %s", name, e.Prefix)
	}
	if _, _, ok := rules.Match(decisions, addr("fd00::1")); ok {
		t.Error("an IPv6 destination is matched")
	}
}

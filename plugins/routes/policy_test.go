package routespolicy_test

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	routespolicy "github.com/snatd/snatd/plugins/routes"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// pod is a pod in a VPC with two CIDRs, with every setting at its default.
var pod = sdk.Map{
	abi.KeySubjectKind:     "pod",
	abi.KeyClusterIPFamily: "ipv4",
	abi.KeyPodHostNetwork:  "false",
	abi.KeySNATExternal:    "false",
	abi.KeyVPCCIDRs:        sdk.List("10.0.0.0/16", "100.64.0.0/16"),
	abi.KeySNATExclude:     sdk.List(),
}

// private is what a subnet of worker nodes behind a NAT gateway has.
var private = table{
	"10.0.0.0/16":    "local",
	"100.64.0.0/16":  "local",
	"0.0.0.0/0":      "nat-05ba295ebb0e2e2b0",
	"10.0.0.0/8":     "tgw-0123456789abcdef0",
	"172.31.0.0/16":  "pcx-11223344556677889",
	"192.168.0.0/16": "vgw-0a1b2c3d4e5f60718",
}

// public is what a subnet has whose nodes have public addresses.
var public = table{
	"10.0.0.0/16":   "local",
	"100.64.0.0/16": "local",
	"0.0.0.0/0":     "igw-0123456789abcdef0",
}

func TestDecide(t *testing.T) {
	const arn = "arn:aws:networkmanager::111122223333:core-network/core-network-0123456789abcdef0"
	for _, test := range []struct {
		name   string
		routes table
		facts  sdk.Map // on top of pod's
		want   []sdk.Entry
	}{
		{"private subnet", private, nil, []sdk.Entry{
			exclude("0.0.0.0/0", "route to nat-05ba295ebb0e2e2b0"),
			exclude("10.0.0.0/16", "route to local"),
			exclude("10.0.0.0/8", "route to tgw-0123456789abcdef0"),
			exclude("100.64.0.0/16", "route to local"),
			exclude("172.31.0.0/16", "route to pcx-11223344556677889"),
			exclude("192.168.0.0/16", "route to vgw-0a1b2c3d4e5f60718"),
		}},
		{"public subnet", public, nil, []sdk.Entry{
			exclude("10.0.0.0/16", "route to local"),
			exclude("100.64.0.0/16", "route to local"),
		}},
		{"pods that are not known", public, sdk.Map{abi.KeySubjectKind: "node", abi.KeyPodHostNetwork: absent}, []sdk.Entry{
			exclude("10.0.0.0/16", "route to local"),
			exclude("100.64.0.0/16", "route to local"),
		}},
		{"settings not said", table{"0.0.0.0/0": "nat-1"},
			sdk.Map{abi.KeyClusterIPFamily: absent, abi.KeySNATExternal: absent, abi.KeySNATExclude: absent}, []sdk.Entry{
				exclude("0.0.0.0/0", "route to nat-1"),
			}},
		{"core network", table{"10.0.0.0/8": arn}, nil, []sdk.Entry{exclude("10.0.0.0/8", "route to "+arn)}},
		{"nested", table{"0.0.0.0/0": "igw-1", "172.16.0.0/12": "tgw-1", "172.16.4.0/24": "igw-1", "172.16.4.7/32": "pcx-1"}, nil, []sdk.Entry{
			exclude("172.16.0.0/12", "route to tgw-1"),
			translate("172.16.4.0/24", "route to igw-1"),
			exclude("172.16.4.7/32", "route to pcx-1"),
		}},
		{"nested in one that is nested", table{"0.0.0.0/0": "nat-1", "172.16.0.0/12": "igw-1", "172.16.4.0/24": "eni-1"}, nil, []sdk.Entry{
			exclude("0.0.0.0/0", "route to nat-1"),
			translate("172.16.0.0/12", "route to igw-1"),
			translate("172.16.4.0/24", "route to eni-1, as by default"),
		}},
		{"blackhole", table{"0.0.0.0/0": "nat-1", "172.31.0.0/16": "blackhole"}, nil, []sdk.Entry{
			exclude("0.0.0.0/0", "route to nat-1"),
		}},
		{"nothing but a blackhole", table{"172.31.0.0/16": "blackhole"}, nil, nil},
		{"nothing but a blackhole around", table{"0.0.0.0/0": "blackhole", "172.31.0.0/16": "igw-1"}, nil, nil},
		{"a cidr of the vpc that the table has not yet", table{"10.0.0.0/16": "local", "0.0.0.0/0": "nat-1", "100.0.0.0/8": "igw-1"}, nil, []sdk.Entry{
			exclude("0.0.0.0/0", "route to nat-1"),
			exclude("10.0.0.0/16", "route to local"),
			translate("100.0.0.0/8", "route to igw-1"),
			exclude("100.64.0.0/16", "vpc cidr"),
		}},
		{"excluded, and routed to a gateway that keeps it", table{"172.16.0.0/12": "tgw-1"}, sdk.Map{abi.KeySNATExclude: sdk.List("172.16.0.0/12")}, []sdk.Entry{
			exclude("172.16.0.0/12", "route to tgw-1"),
		}},
		{"excluded inside a translated route", table{"0.0.0.0/0": "nat-1", "198.51.0.0/16": "igw-1"},
			sdk.Map{abi.KeySNATExclude: sdk.List("198.51.100.0/24", "203.0.113.0/24")}, []sdk.Entry{
				exclude("0.0.0.0/0", "route to nat-1"),
				translate("198.51.0.0/16", "route to igw-1"),
				exclude("198.51.100.0/24", "excluded cidr"),
			}},
		{"excluded inside a route that the default module translates", table{"0.0.0.0/0": "igw-1"},
			sdk.Map{abi.KeySNATExclude: sdk.List("198.51.100.0/24")}, nil},
		{"excluded around a route and equal to it", table{"0.0.0.0/0": "nat-1", "198.51.100.0/24": "igw-1", "203.0.113.0/24": "igw-1"},
			sdk.Map{abi.KeySNATExclude: sdk.List("198.51.0.0/16", "203.0.113.0/24")}, []sdk.Entry{
				exclude("0.0.0.0/0", "route to nat-1"),
				exclude("198.51.100.0/24", "excluded cidr"),
				exclude("203.0.113.0/24", "excluded cidr"),
			}},
		{"everything excluded", public, sdk.Map{abi.KeySNATExclude: sdk.List("0.0.0.0/0")}, []sdk.Entry{
			exclude("10.0.0.0/16", "route to local"),
			exclude("100.64.0.0/16", "route to local"),
		}},
		{"appliance inside the vpc", table{"10.0.0.0/16": "local", "10.0.4.0/24": "vpce-1"}, nil, []sdk.Entry{
			exclude("10.0.0.0/16", "route to local"),
			exclude("10.0.4.0/24", "vpc cidr"),
		}},
		{"appliance that no route is around", table{"10.0.4.0/24": "vpce-1", "198.51.100.0/24": "vpce-1"}, nil, nil},
		{"no routes", nil, nil, nil},
		{"no routes and no vpc", nil, sdk.Map{abi.KeyVPCCIDRs: absent}, nil},
		{"external", private, sdk.Map{abi.KeySNATExternal: "true"}, nil},
		{"ipv6 cluster", private, sdk.Map{abi.KeyClusterIPFamily: "ipv6"}, nil},
		{"no such family", private, sdk.Map{abi.KeyClusterIPFamily: "dual"}, nil},
		{"host network", private, sdk.Map{abi.KeyPodHostNetwork: "true"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(routespolicy.Decide, on(pod, test.routes.facts(), test.facts))
			if err != nil {
				t.Fatal(err)
			}
			if got := decision.Entries(); !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

// What is behind these is not known: the default module's answer stands, and a
// shorter route that is known does not cover them.
func TestUnknownTargets(t *testing.T) {
	for _, target := range []string{
		"eni-1", "i-1", "vpce-1", "lgw-1", "cagw-1", "eigw-1", "new-1", "Local", "tgw", "arn:aws:odb:eu-west-1:111122223333:odb-network/odbnet_1",
	} {
		decision, err := sdk.Run(routespolicy.Decide, on(pod, table{"0.0.0.0/0": "nat-1", "198.51.100.0/24": target}.facts()))
		if err != nil {
			t.Fatal(err)
		}
		want := []sdk.Entry{
			exclude("0.0.0.0/0", "route to nat-1"),
			translate("198.51.100.0/24", "route to "+target+", as by default"),
		}
		if got := decision.Entries(); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", target, got, want)
		}
	}
}

func TestDecideErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		routes table
		facts  sdk.Map
		err    string
	}{
		{"host bits", table{"10.0.0.1/8": "tgw-1"}, nil,
			`fact vpc.route.10.0.0.1/8 ("tgw-1"): "10.0.0.1/8" has host bits set, write 10.0.0.0/8`},
		{"not a cidr", table{"pl-0123": "vpce-1"}, nil,
			`fact vpc.route.pl-0123 ("vpce-1"): "pl-0123" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
		{"ipv6", table{"::/0": "igw-1"}, nil,
			`fact vpc.route.::/0 ("igw-1"): "::/0" is IPv6, only IPv4 is accepted`},
		{"no target", table{"0.0.0.0/0": "nat-1", "10.0.0.0/8": ""}, nil,
			`fact vpc.route.10.0.0.0/8 (""): has no target, want one such as "local", "tgw-0123456789abcdef0" or "blackhole"`},
		{"no vpc", private, sdk.Map{abi.KeyVPCCIDRs: absent},
			"fact vpc.cidrs: missing or empty, cannot tell the vpc from the rest"},
		{"empty vpc", private, sdk.Map{abi.KeyVPCCIDRs: sdk.List()},
			"fact vpc.cidrs: missing or empty, cannot tell the vpc from the rest"},
		{"vpc with host bits", private, sdk.Map{abi.KeyVPCCIDRs: sdk.List("10.0.0.1/16")},
			`fact vpc.cidrs: "10.0.0.1/16" has host bits set, write 10.0.0.0/16`},
		{"ipv6 excluded", private, sdk.Map{abi.KeySNATExclude: sdk.List("fd00::/8")},
			`fact snat.exclude: "fd00::/8" is IPv6, only IPv4 is accepted`},
		{"external", private, sdk.Map{abi.KeySNATExternal: "1"},
			`fact snat.external: "1" is not a bool, want "true" or "false"`},
		{"host network", private, sdk.Map{abi.KeyPodHostNetwork: "1"},
			`fact pod.host_network: "1" is not a bool, want "true" or "false"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(routespolicy.Decide, on(pod, test.routes.facts(), test.facts))
			if err == nil || err.Error() != test.err {
				t.Errorf("got  %v\nwant %s", err, test.err)
			}
			if len(decision.Entries()) != 0 {
				t.Errorf("entries beside an error: %v", decision.Entries())
			}
		})
	}
}

// table is a route table: targets by CIDR.
type table map[string]string

func (t table) facts() sdk.Map {
	facts := sdk.Map{}
	for cidr, target := range t {
		facts[abi.KeyVPCRoute+cidr] = target
	}
	return facts
}

// absent, as a value on top, takes a fact away.
const absent = "\x00absent"

func on(base sdk.Map, tops ...sdk.Map) sdk.Map {
	facts := maps.Clone(base)
	for _, top := range tops {
		maps.Copy(facts, top)
	}
	maps.DeleteFunc(facts, func(_, value string) bool { return value == absent })
	return facts
}

func exclude(prefix, why string) sdk.Entry {
	return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: why}
}

func translate(prefix, why string) sdk.Entry {
	return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Translate: true, Reason: why}
}

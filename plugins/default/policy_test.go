package defaultpolicy_test

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	defaultpolicy "github.com/snatd/snatd/plugins/default"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// pod is a pod in a VPC with two CIDRs, with every setting at its default.
var pod = sdk.Map{
	abi.KeySubjectKind:     "pod",
	abi.KeyClusterIPFamily: "ipv4",
	abi.KeyPodHostNetwork:  "false",
	abi.KeySNATExternal:    "false",
	abi.KeyVPCCIDRs:        sdk.List("10.0.0.0/16", "100.64.0.0/10"),
	abi.KeySNATExclude:     sdk.List(),
}

func TestDecide(t *testing.T) {
	everything := func(why string) []sdk.Entry { return []sdk.Entry{exclude("0.0.0.0/0", why)} }
	byDestination := []sdk.Entry{
		exclude("10.0.0.0/16", "vpc cidr"),
		exclude("100.64.0.0/10", "vpc cidr"),
		translate("0.0.0.0/0", "outside the vpc"),
	}
	for _, test := range []struct {
		name  string
		facts sdk.Map // on top of pod's
		want  []sdk.Entry
	}{
		{"vpc", nil, byDestination},
		{"pods that are not known", sdk.Map{abi.KeySubjectKind: "node"}, byDestination},
		{"family not said", sdk.Map{abi.KeyClusterIPFamily: absent}, byDestination},
		{"empty vpc", sdk.Map{abi.KeyVPCCIDRs: sdk.List()}, []sdk.Entry{translate("0.0.0.0/0", "outside the vpc")}},
		{"settings not said", sdk.Map{abi.KeySNATExternal: absent, abi.KeySNATExclude: absent, abi.KeyPodHostNetwork: absent}, byDestination},
		{"ipv6 cluster", sdk.Map{abi.KeyClusterIPFamily: "ipv6"}, everything("ipv6 cluster")},
		{"ipv6 cluster without vpc", sdk.Map{abi.KeyClusterIPFamily: "ipv6", abi.KeyVPCCIDRs: absent}, everything("ipv6 cluster")},
		{"host network", sdk.Map{abi.KeyPodHostNetwork: "true"}, everything("host-network pod")},
		{"host network without vpc", sdk.Map{abi.KeyPodHostNetwork: "true", abi.KeyVPCCIDRs: absent}, everything("host-network pod")},
		{"external", sdk.Map{abi.KeySNATExternal: "true"}, everything("external snat")},
		{"external without vpc", sdk.Map{abi.KeySNATExternal: "true", abi.KeyVPCCIDRs: absent}, everything("external snat")},
		{"excluded", sdk.Map{abi.KeySNATExclude: sdk.List("192.168.0.0/16", "172.16.0.0/12")}, []sdk.Entry{
			exclude("10.0.0.0/16", "vpc cidr"),
			exclude("100.64.0.0/10", "vpc cidr"),
			exclude("192.168.0.0/16", "excluded cidr"),
			exclude("172.16.0.0/12", "excluded cidr"),
			translate("0.0.0.0/0", "outside the vpc"),
		}},
		{"excluded inside, around and equal to the vpc", sdk.Map{abi.KeySNATExclude: sdk.List("10.0.1.0/24", "10.0.0.0/8", "10.0.0.0/16")}, []sdk.Entry{
			exclude("10.0.0.0/16", "vpc cidr"),
			exclude("100.64.0.0/10", "vpc cidr"),
			exclude("10.0.1.0/24", "excluded cidr"),
			exclude("10.0.0.0/8", "excluded cidr"),
			translate("0.0.0.0/0", "outside the vpc"),
		}},
		{"excluded twice", sdk.Map{abi.KeySNATExclude: sdk.List("192.168.0.0/16", "192.168.0.0/16")}, []sdk.Entry{
			exclude("10.0.0.0/16", "vpc cidr"),
			exclude("100.64.0.0/10", "vpc cidr"),
			exclude("192.168.0.0/16", "excluded cidr"),
			translate("0.0.0.0/0", "outside the vpc"),
		}},
		{"everything excluded", sdk.Map{abi.KeySNATExclude: sdk.List("0.0.0.0/0")}, []sdk.Entry{
			exclude("10.0.0.0/16", "vpc cidr"),
			exclude("100.64.0.0/10", "vpc cidr"),
			exclude("0.0.0.0/0", "excluded cidr"),
		}},
		{"vpc everywhere", sdk.Map{abi.KeyVPCCIDRs: sdk.List("0.0.0.0/0")}, everything("vpc cidr")},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(defaultpolicy.Decide, on(pod, test.facts))
			if err != nil {
				t.Fatal(err)
			}
			if got := decision.Entries(); !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
			if !slices.ContainsFunc(decision.Entries(), func(e sdk.Entry) bool { return e.Prefix == sdk.Everywhere }) {
				t.Error("the decision does not cover every destination")
			}
		})
	}
}

func TestDecideErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		facts sdk.Map
		err   string
	}{
		{"no vpc", sdk.Map{abi.KeyVPCCIDRs: absent},
			"fact vpc.cidrs: missing, cannot tell the vpc from the rest"},
		{"vpc with host bits", sdk.Map{abi.KeyVPCCIDRs: sdk.List("10.0.0.1/16")},
			`fact vpc.cidrs: "10.0.0.1/16" has host bits set, write 10.0.0.0/16`},
		{"ipv6 excluded", sdk.Map{abi.KeySNATExclude: sdk.List("fd00::/8")},
			`fact snat.exclude: "fd00::/8" is IPv6, only IPv4 is accepted`},
		{"family", sdk.Map{abi.KeyClusterIPFamily: "dual"},
			`fact cluster.ip_family: "dual" is not a family, want "ipv4" or "ipv6"`},
		{"external", sdk.Map{abi.KeySNATExternal: "1"},
			`fact snat.external: "1" is not a bool, want "true" or "false"`},
		{"host network", sdk.Map{abi.KeyPodHostNetwork: "1"},
			`fact pod.host_network: "1" is not a bool, want "true" or "false"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(defaultpolicy.Decide, on(pod, test.facts))
			if err == nil || err.Error() != test.err {
				t.Errorf("got  %v\nwant %s", err, test.err)
			}
			if len(decision.Entries()) != 0 {
				t.Errorf("entries beside an error: %v", decision.Entries())
			}
		})
	}
}

// absent, as a value on top, takes a fact away.
const absent = "\x00absent"

func on(base, top sdk.Map) sdk.Map {
	facts := maps.Clone(base)
	maps.Copy(facts, top)
	maps.DeleteFunc(facts, func(_, value string) bool { return value == absent })
	return facts
}

func exclude(prefix, why string) sdk.Entry {
	return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: why}
}

func translate(prefix, why string) sdk.Entry {
	return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Translate: true, Reason: why}
}

package nft_test

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules/nft"
)

func element(first, last string, v nft.Verdict) nft.Element {
	return nft.Element{First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last), Verdict: v}
}

func TestElementText(t *testing.T) {
	for _, c := range []struct{ first, last, want string }{
		{"10.0.0.1", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.0", "10.0.0.1", "10.0.0.0/31"},
		{"10.0.0.1", "10.0.0.2", "10.0.0.1-10.0.0.2"},
		{"10.0.0.0", "10.0.0.2", "10.0.0.0-10.0.0.2"},
		{"10.0.0.0", "10.255.255.255", "10.0.0.0/8"},
		{"10.128.0.0", "11.127.255.255", "10.128.0.0-11.127.255.255"},
		{"0.0.0.0", "0.0.0.0", "0.0.0.0"},
		{"0.0.0.0", "127.255.255.255", "0.0.0.0/1"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"0.0.0.0", "255.255.255.254", "0.0.0.0-255.255.255.254"},
		{"0.0.0.1", "255.255.255.255", "0.0.0.1-255.255.255.255"},
		{"255.255.255.255", "255.255.255.255", "255.255.255.255"},
	} {
		if got := element(c.first, c.last, nft.Goto("c_1")).String(); got != c.want+" : goto c_1" {
			t.Errorf("%s to %s: got %q, want %q", c.first, c.last, got, c.want)
		}
	}
}

func TestMapText(t *testing.T) {
	toAddress := nft.Element{
		First: netip.MustParseAddr("8.0.0.0"), Last: netip.MustParseAddr("8.255.255.255"), Address: netip.MustParseAddr("10.0.0.11"),
	}
	for _, c := range []struct {
		m    nft.Map
		want string
	}{
		{nft.Map{Name: "m"}, "\tmap m {\n\t\ttype ipv4_addr : verdict\n\t}\n"},
		{nft.Map{Name: "m", Addresses: true, Interval: true, Elements: []nft.Element{toAddress}},
			"\tmap m {\n\t\ttype ipv4_addr : ipv4_addr\n\t\tflags interval\n\t\telements = {\n\t\t\t8.0.0.0/8 : 10.0.0.11\n\t\t}\n\t}\n"},
	} {
		table := nft.Table{Name: "t", Maps: []nft.Map{c.m}}
		if got, want := table.String(), "table ip t {\n"+c.want+"}\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestHookText(t *testing.T) {
	for _, c := range []struct {
		point    string
		priority int
		want     string
	}{
		{"prerouting", nft.PriorityMangle, "mangle"},
		{"postrouting", nft.PriorityMangle + 1, "mangle + 1"},
		{"prerouting", nft.PriorityDNAT, "dstnat"},
		{"prerouting", nft.PriorityDNAT + 10, "dstnat + 10"},
		{"prerouting", nft.PriorityDNAT - 10, "dstnat - 10"},
		{"prerouting", nft.PriorityDNAT + 11, "-89"},
		{"postrouting", nft.PriorityDNAT, "-100"},
		{"postrouting", nft.PrioritySNAT + 10, "srcnat + 10"},
		{"prerouting", nft.PrioritySNAT, "100"},
	} {
		h := nft.Hook{Type: "filter", Point: c.point, Priority: c.priority}
		want := "type filter hook " + c.point + " priority " + c.want + "; policy accept;"
		if got := h.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRuleText(t *testing.T) {
	for _, c := range []struct {
		rule nft.Rule
		want string
	}{
		{nft.Rule{nft.InputInterface{Patterns: []string{"eni*"}}, nft.Accept()}, `iifname "eni*" accept`},
		{nft.Rule{nft.InputInterface{Patterns: []string{"eni*", "veth0"}, Not: true}, nft.Return()}, `iifname != { "eni*", "veth0" } return`},
		{nft.Rule{nft.OutputInterface{Patterns: []string{"vlan*"}, Not: true}}, `oifname != "vlan*"`},
		{nft.Rule{nft.Confirmed{}, nft.Goto("restore")}, "ct status & confirmed == confirmed goto restore"},
		{nft.Rule{nft.Confirmed{Not: true}, nft.Counter{Name: "e_1/m"}}, `ct status & confirmed != confirmed counter name "e_1/m"`},
		{nft.Rule{nft.OriginalDirection{}}, "ct direction original"},
		{nft.Rule{nft.DestinationLocal{}}, "fib daddr type local"},
		{nft.Rule{nft.MarkIsSet{Mark: nft.ConnectionMark, Mask: 0x80}, nft.SetMark{Mark: nft.PacketMark, Mask: 0x80}},
			"ct mark & 0x00000080 == 0x00000080 meta mark set meta mark | 0x00000080"},
		{nft.Rule{nft.Lookup{Address: nft.SourceAddress, Map: "pods"}}, "ip saddr vmap @pods"},
		{nft.Rule{nft.NAT{Kind: "snat", To: netip.MustParseAddr("10.0.0.10")}}, "snat to 10.0.0.10"},
		{nft.Rule{nft.NAT{Kind: "snat", To: netip.MustParseAddr("10.0.0.10"), Ports: nft.PortsRandom}}, "snat to 10.0.0.10 random"},
		{nft.Rule{nft.MapNAT{Kind: "snat", Address: nft.DestinationAddress, Map: "m"}}, "snat to ip daddr map @m"},
		{nft.Rule{nft.MapNAT{Kind: "dnat", Address: nft.SourceAddress, Map: "m", Ports: nft.PortsFullyRandom}}, "dnat to ip saddr map @m fully-random"},
	} {
		if got := c.rule.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestEmptyText(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{(*nft.Table)(nil).String(), ""},
		{(&nft.Table{Name: "t"}).String(), "table ip t {\n}\n"},
		{nft.Plan(nil).String(), ""},
		{(&nft.Table{Name: "t", Counters: []string{"n"}}).String(), "table ip t {\n\tcounter n {\n\t}\n}\n"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

package rules_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

// TestPackets passes single packets through the table: what is decided once,
// what is restored, and what is left alone.
func TestPackets(t *testing.T) {
	n := network()
	n.NodePorts = true
	full := mustCompile(t, n, one(excluding("10.0.0.0/16")), pod("a/x", "10.0.1.1", module("all", entries(exclude, "0.0.0.0/0"))))
	const (
		m          = 0x80
		translated = "translate by default"
	)
	type packet = nfttest.Packet
	for _, c := range []struct {
		name    string
		ruleset *rules.Ruleset
		in      packet
		want    packet // what differs from in
	}{
		{"translated", full,
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8")},
			packet{ConnMark: m, Mark: m, TranslatedTo: n.Primary, TranslatedPorts: nft.PortsFullyRandom, Counted: translated}},
		{"foreign bits stay", full,
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8"), ConnMark: 0x4001, Mark: 0xff0000},
			packet{ConnMark: 0x4081, Mark: 0xff0080, TranslatedTo: n.Primary, TranslatedPorts: nft.PortsFullyRandom, Counted: translated}},
		{"excluded network", full,
			packet{In: "eni2", Out: "eth1", Src: addr("10.0.1.2"), Dst: addr("10.0.9.9")}, packet{Counted: "exclude by default"}},
		{"excluded pod", full,
			packet{In: "eni1", Out: "eth1", Src: addr("10.0.1.1"), Dst: addr("8.8.8.8")}, packet{Counted: "exclude by all"}},
		{"of no connection", full,
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8"), Untracked: true}, packet{Mark: m}},
		{"of no connection, excluded", full,
			packet{In: "eni2", Out: "eth1", Src: addr("10.0.1.2"), Dst: addr("10.0.9.9"), Untracked: true}, packet{}},
		{"to the node", full,
			packet{In: "eni2", Src: addr("10.0.1.2"), Dst: addr("172.31.0.1"), Local: true}, packet{}},
		{"not from a pod", full,
			packet{In: "docker0", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8")}, packet{}},
		{"from the node itself", full,
			packet{Out: "eth0", Src: addr("10.0.0.10"), Dst: addr("8.8.8.8")}, packet{}},
		{"exempt interface", full,
			packet{In: "eni2", Out: "vlan.eth.1", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8")},
			packet{ConnMark: m, Mark: m, Counted: translated}},
		{"later packet of a translated connection", full,
			packet{In: "eni1", Out: "eth0", Src: addr("10.0.1.1"), Dst: addr("8.8.8.8"), Confirmed: true, ConnMark: 0x4080, Mark: 1},
			packet{ConnMark: 0x4080, Mark: 0x81}},
		{"later packet of an excluded connection", full,
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8"), Confirmed: true}, packet{}},
		{"connection to a node port", full,
			packet{In: "eth0", Out: "eni2", Src: addr("8.8.8.8"), Dst: addr("10.0.0.10"), Local: true},
			packet{ConnMark: m}},
		{"of no connection, to a node port", full,
			packet{In: "eth0", Out: "eni2", Src: addr("8.8.8.8"), Dst: addr("10.0.0.10"), Local: true, Untracked: true}, packet{}},
		{"reply to a connection of the node, or that others translate", full,
			packet{In: "eth0", Out: "docker0", Src: addr("8.8.8.8"), Dst: addr("10.0.0.10"), Local: true, Confirmed: true, Reply: true, ConnMark: 0x4000},
			packet{ConnMark: 0x4000}},
		{"reply to a translated connection", full,
			packet{In: "eth0", Out: "eni2", Src: addr("8.8.8.8"), Dst: addr("10.0.0.10"), Local: true, Confirmed: true, Reply: true, ConnMark: m},
			packet{ConnMark: m}},
		{"reply from a node port", full,
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8"), Confirmed: true, Reply: true, ConnMark: m},
			packet{ConnMark: m, Mark: m}},
		{"draining, new connection", rules.Draining(n),
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8")}, packet{}},
		{"draining, translated connection", rules.Draining(n),
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8"), Confirmed: true, ConnMark: m},
			packet{ConnMark: m, Mark: m}},
		{"no table", nil,
			packet{In: "eni2", Out: "eth0", Src: addr("10.0.1.2"), Dst: addr("8.8.8.8")}, packet{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.in
			if c.want != (packet{}) {
				want.ConnMark, want.Mark = c.want.ConnMark, c.want.Mark
				want.TranslatedTo, want.TranslatedPorts, want.Counted = c.want.TranslatedTo, c.want.TranslatedPorts, c.want.Counted
			}
			table := c.ruleset.Table()
			got := nfttest.Postrouting(table, nfttest.Prerouting(table, c.in))
			if _, by, ok := rules.Counted(got.Counted); ok {
				got.Counted = string(by.Action) + " by " + by.Module
			}
			if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); d != "" {
				t.Error(d)
			}
		})
	}
}

package dataplane

import (
	"net/netip"

	"github.com/mdlayher/netlink"

	"github.com/snatd/snatd/rules/nft"
)

// trial is how a feature is tried: in a transaction that the kernel checks and never
// commits. Later trials use what earlier ones make in it.
type trial struct {
	feature Feature
	plan    nft.Plan
	flags   tableFlags
}

// Tables of the transaction. Nobody ever sees them.
const (
	triedTable = "snatd-probe"
	ownedTable = "snatd-probe-owned"
)

func trials() []trial {
	first, last := netip.MustParseAddr("127.0.0.0"), netip.MustParseAddr("127.0.0.1")
	rule := func(chain string, exprs ...nft.Expr) nft.Op {
		return nft.AddRule{Table: triedTable, Chain: chain, Rule: exprs}
	}
	base := func(kind, point string, priority int) nft.Op {
		return nft.AddChain{Table: triedTable, Name: point, Hook: &nft.Hook{Type: kind, Point: point, Priority: priority}}
	}
	return []trial{
		{feature: Feature{Name: Tables, Needed: true, Minimum: "3.13", Module: "CONFIG_NF_TABLES, CONFIG_NF_TABLES_IPV4"},
			plan: nft.Plan{nft.AddTable{Table: triedTable}, base("filter", "prerouting", nft.PriorityMangle)}},
		{feature: Feature{Name: Translation, Needed: true, Minimum: "3.13", Module: "CONFIG_NFT_NAT"},
			plan: nft.Plan{base("nat", "postrouting", nft.PrioritySNAT), rule("postrouting", nft.NAT{Kind: "snat", To: last})}},
		{feature: Feature{Name: IntervalMaps, Needed: true, Minimum: "3.13", Module: "CONFIG_NF_TABLES"},
			plan: nft.Plan{
				nft.AddMap{Table: triedTable, Name: "m", Interval: true},
				nft.AddElements{Table: triedTable, Map: "m", Interval: true, Elements: []nft.Element{{First: first, Last: last, Verdict: nft.Accept()}}},
			}},
		{feature: Feature{Name: ConnectionState, Needed: true, Minimum: "3.14", Module: "CONFIG_NFT_CT"},
			plan: nft.Plan{rule("prerouting", nft.Confirmed{}, nft.SetMark{Mark: nft.ConnectionMark, Mask: 1})}},
		{feature: Feature{Name: LocalAddresses, Needed: true, Minimum: "4.10", Module: "CONFIG_NFT_FIB_IPV4"},
			plan: nft.Plan{rule("prerouting", nft.DestinationLocal{}, nft.Return())}},
		{feature: Feature{Name: Counting, Minimum: "4.10", Module: "CONFIG_NFT_COUNTER, CONFIG_NFT_OBJREF"},
			plan: nft.Plan{
				nft.AddCounter{Table: triedTable, Name: "counted"},
				rule("prerouting", nft.Confirmed{Not: true}, nft.Counter{Name: "counted"}),
			}},
		{feature: Feature{Name: Protecting, Minimum: "6.9", Module: "CONFIG_NF_TABLES"},
			plan: nft.Plan{nft.AddTable{Table: ownedTable}}, flags: flagOwner | flagPersist},
	}
}

// try makes the transaction of trials, and tells what it found.
func (d *Dataplane) try(trials []trial) ([]Feature, error) {
	features := make([]Feature, len(trials))
	var messages []netlink.Message
	var of []int // trial of each message
	for i, t := range trials {
		tx, _, err := encode(t.plan, t.flags)
		if err != nil {
			return nil, err
		}
		features[i] = t.feature
		features[i].Found = true
		for _, m := range tx.messages {
			messages, of = append(messages, m), append(of, i)
		}
	}
	// Fails in any case, and everything with it: the table is there already.
	again := makeTable(triedTable, 0)
	again.Header.Flags |= netlink.Excl
	refused, err := d.socket.commit(append(messages, again))
	if err != nil {
		return nil, err
	}
	for _, r := range refused {
		switch {
		case r.message < 0:
			return nil, r.err
		case r.message < len(of):
			if f := &features[of[r.message]]; f.Found {
				f.Found, f.Answer = false, explain(nil, r.err).Err.Error()
			}
		}
	}
	return features, nil
}

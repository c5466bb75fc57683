package rules

import (
	"cmp"
	"slices"

	"github.com/snatd/snatd/rules/nft"
)

// TableName is the one table that snatd owns, of family "ip".
const TableName = "snatd"

// Names in the table beside those of the classes. A class cannot have one of
// them, for theirs begin with "c_".
const (
	podsMap          = "pods"
	preroutingChain  = "prerouting"
	postroutingChain = "postrouting"
	translateChain   = "translate"
	restoreChain     = "restore"
	nodePortsChain   = "nodeports"
)

// Table returns what the kernel gets; nil for nil.
//
// A connection is decided on its first packet, in a chain of type filter behind
// DNAT, where the destination is the real one. The mark keeps the decision:
// routing and the translation in postrouting both read it and cannot disagree.
func (r *Ruleset) Table() *nft.Table {
	if r == nil {
		return nil
	}
	t := &nft.Table{Name: TableName}
	t.Chains = append(t.Chains, r.prerouting(), r.postrouting(), r.restore())
	if r.Node != "" {
		t.Chains = append(t.Chains, r.translate())
		if r.Network.NodePorts {
			t.Chains = append(t.Chains, r.nodePorts())
		}
		for _, c := range r.Classes {
			t.Chains = append(t.Chains, c.chain())
			t.Maps = append(t.Maps, c.destinations())
		}
		t.Maps = append(t.Maps, r.sources())
	}
	slices.SortFunc(t.Chains, func(a, b nft.Chain) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Maps, func(a, b nft.Map) int { return cmp.Compare(a.Name, b.Name) })
	return t
}

// sources leads the pods that differ from the node's decision to their classes.
func (r *Ruleset) sources() nft.Map {
	m := nft.Map{Name: podsMap}
	for _, p := range r.Pods {
		m.Elements = append(m.Elements, nft.Element{First: p.Addr, Last: p.Addr, Verdict: nft.Goto(p.Class)})
	}
	return m
}

// destinations is the map of a class, which its chain has the name of.
func (c Class) destinations() nft.Map {
	m := nft.Map{Name: c.Name, Interval: true, Elements: make([]nft.Element, len(c.Intervals))}
	for i, in := range c.Intervals {
		m.Elements[i] = nft.Element{First: in.First, Last: in.Last, Verdict: in.Outcome.verdict()}
	}
	return m
}

func (o Outcome) verdict() nft.Verdict {
	if o.Action == Translate {
		return nft.Goto(translateChain)
	}
	return nft.Accept()
}

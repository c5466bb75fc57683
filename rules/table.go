package rules

import (
	"cmp"
	"slices"

	"github.com/snatd/snatd/rules/nft"
)

// TableName is the one table that snatd owns, of family "ip".
const TableName = "snatd"

// Names in the table beside those of the classes. A class cannot have one of
// them, for theirs begin with "c_", those of their sources with "s_", and those of
// what is counted in them with "t_" and "e_".
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
// To which address, where there are several, postrouting looks up for itself:
// a mark of one bit cannot say it.
func (r *Ruleset) Table() *nft.Table {
	if r == nil {
		return nil
	}
	return r.table(r.sourcing())
}

// table has the decisions of the ruleset, and the sources of that or of a change.
func (r *Ruleset) table(s sourcing) *nft.Table {
	t := &nft.Table{Name: TableName}
	t.Chains = append(t.Chains, r.prerouting(), s.postrouting(), r.restore())
	if r.Node != "" {
		t.Chains = append(t.Chains, r.translate())
		for _, c := range r.Classes {
			c.addTo(t)
		}
		t.Maps = append(t.Maps, r.members())
	}
	if r.Network.NodePorts {
		t.Chains = append(t.Chains, r.nodePorts())
	}
	s.add(t)
	slices.Sort(t.Counters)
	slices.SortFunc(t.Chains, func(a, b nft.Chain) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Maps, func(a, b nft.Map) int { return cmp.Compare(a.Name, b.Name) })
	return t
}

// members leads the pods that differ from the node's decision to their classes.
func (r *Ruleset) members() nft.Map {
	m := nft.Map{Name: podsMap, Elements: make([]nft.Element, 0, len(r.Pods))}
	for _, p := range r.Pods {
		m.Elements = append(m.Elements, nft.Element{First: p.Addr, Last: p.Addr, Verdict: nft.Goto(p.Class)})
	}
	return m
}

// destinations is the map of a class, which its chain has the name of. It has
// what is done and by which module, not to which address: intervals that differ
// from the default, or from their neighbours, in the source alone are none here.
func (c Class) destinations(verdicts map[Decider]nft.Verdict) nft.Map {
	m := nft.Map{Name: c.Name, Interval: true, Elements: make([]nft.Element, 0, len(c.Intervals))}
	byDefault := c.decider()
	var decider Decider // of the last interval, and its verdict
	var verdict nft.Verdict
	for i := range c.Intervals {
		in := &c.Intervals[i]
		d := in.decider()
		if d == byDefault {
			continue
		}
		if d != decider {
			decider, verdict = d, verdicts[d]
		}
		if n := len(m.Elements); n > 0 && m.Elements[n-1].Verdict == verdict && m.Elements[n-1].Last.Next() == in.First {
			m.Elements[n-1].Last = in.Last
			continue
		}
		m.Elements = append(m.Elements, nft.Element{First: in.First, Last: in.Last, Verdict: verdict})
	}
	return m
}

func (a Action) verdict() nft.Verdict {
	if a == Translate {
		return nft.Goto(translateChain)
	}
	return nft.Accept()
}

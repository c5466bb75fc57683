package rules

import "github.com/snatd/snatd/rules/nft"

// chain decides for the class. The default is counted in place: nothing else goes to it.
func (c Class) chain(exception Decider) nft.Chain {
	lookup := nft.Rule{nft.Lookup{Address: nft.DestinationAddress, Map: c.Name}}
	if exception.counted() {
		lookup = append(lookup, nft.Goto(c.counterName(exception)))
	}
	return nft.Chain{Name: c.Name, Rules: append([]nft.Rule{lookup}, c.counting(c.decider())...)}
}

func (r *Ruleset) prerouting() nft.Chain {
	c := nft.Chain{
		Name: preroutingChain,
		Hook: &nft.Hook{Type: "filter", Point: "prerouting", Priority: nft.PriorityDNAT + 10},
		Rules: []nft.Rule{
			{nft.InputInterface{Patterns: r.Network.PodInterfaces, Not: true}, nft.Return()},
			// Decided on its first packet, never again: a change of policy
			// leaves live connections as they are.
			{nft.Confirmed{}, nft.Goto(restoreChain)},
		},
	}
	if r.Node != "" {
		c.Rules = append(c.Rules,
			nft.Rule{nft.DestinationLocal{}, nft.Return()},
			nft.Rule{nft.Lookup{Address: nft.SourceAddress, Map: podsMap}},
			nft.Rule{nft.Goto(r.Node)},
		)
	}
	return c
}

// translate marks the connection for postrouting and for its later packets, and
// this packet for routing, which is next.
func (r *Ruleset) translate() nft.Chain {
	return nft.Chain{Name: translateChain, Rules: []nft.Rule{
		{nft.SetMark{Mark: nft.ConnectionMark, Mask: r.Network.Mark}},
		{nft.SetMark{Mark: nft.PacketMark, Mask: r.Network.Mark}},
	}}
}

func (r *Ruleset) restore() nft.Chain {
	c := nft.Chain{Name: restoreChain}
	for _, mark := range append([]uint32{r.Network.Mark}, r.Network.EarlierMarks...) {
		c.Rules = append(c.Rules, nft.Rule{
			nft.MarkIsSet{Mark: nft.ConnectionMark, Mask: mark},
			nft.SetMark{Mark: nft.PacketMark, Mask: mark},
		})
	}
	return c
}

// nodePorts marks connections that came to an address of the node, so that
// restore sends the pod's replies out by the interface they came in by. Replies to
// connections that others translate come to such an address too: those are not ours.
// While draining the chain is empty: it says that there may be such connections.
func (r *Ruleset) nodePorts() nft.Chain {
	c := nft.Chain{
		Name: nodePortsChain,
		Hook: &nft.Hook{Type: "filter", Point: "prerouting", Priority: nft.PriorityMangle},
	}
	if r.Node != "" {
		c.Rules = []nft.Rule{{
			nft.InputInterface{Patterns: []string{r.Network.PrimaryInterface}},
			nft.OriginalDirection{},
			nft.DestinationLocal{},
			nft.SetMark{Mark: nft.ConnectionMark, Mask: r.Network.Mark},
		}}
	}
	return c
}

func (r Randomize) ports() nft.PortChoice {
	switch r {
	case RandomizePRNG:
		return nft.PortsFullyRandom
	case RandomizeHash:
		return nft.PortsRandom
	}
	return nft.PortsKeep
}

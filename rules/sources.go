package rules

import (
	"strings"

	"github.com/snatd/snatd/rules/nft"
)

// Names in tables in which a class has another source than the primary address.
const (
	sourcesMap   = "sources"
	sourcesChain = "sources"
	primaryChain = "primary"
)

// sourcing is how postrouting chooses the source address.
type sourcing struct {
	network Network
	// node is the chain for every pod that pods does not lead to another; empty while
	// draining.
	node string
	pods []nft.Element
	// lists are the sources that are not the primary address, by destinations and by the
	// name of the chain and its map.
	lists map[string][]nft.Element
}

// sourcing is that of the ruleset alone. Pods that differ from the node's decision are led
// to their sources, unless the node's lead them there too.
func (r *Ruleset) sourcing() sourcing {
	s := sourcing{network: r.Network, lists: map[string][]nft.Element{}}
	chains := map[string]string{}
	for _, c := range r.Classes {
		chains[c.Name] = primaryChain
		if c.hasOtherSources() {
			chains[c.Name] = c.sourceName()
			s.lists[c.sourceName()] = c.sources()
		}
	}
	s.node = chains[r.Node]
	for _, p := range r.Pods {
		if chain := chains[p.Class]; chain != s.node {
			s.pods = append(s.pods, nft.Element{First: p.Addr, Last: p.Addr, Verdict: nft.Goto(chain)})
		}
	}
	return s
}

func (c Class) hasOtherSources() bool { return c.known().otherSources }

// sourceName follows the name of the class, so that it is kept when that is.
func (c Class) sourceName() string { return "s_" + strings.TrimPrefix(c.Name, "c_") }

// sources are the destinations whose source is not the primary address.
func (c Class) sources() (elements []nft.Element) {
	for _, s := range c.spans() {
		if s.outcome.Source.IsValid() {
			elements = addSource(elements, s.first, s.last, s.outcome.Source)
		}
	}
	return elements
}

// add adds what postrouting goes to where there are several source addresses. A table
// without any has nothing of it.
func (s sourcing) add(t *nft.Table) {
	if len(s.lists) == 0 {
		return
	}
	t.Chains = append(t.Chains,
		nft.Chain{Name: primaryChain, Rules: []nft.Rule{{s.toPrimary()}}},
		nft.Chain{Name: sourcesChain, Rules: []nft.Rule{
			{nft.Lookup{Address: nft.SourceAddress, Map: sourcesMap}},
			{nft.Goto(s.node)},
		}})
	for name, elements := range s.lists {
		t.Chains = append(t.Chains, s.list(name))
		t.Maps = append(t.Maps, nft.Map{Name: name, Interval: true, Addresses: true, Elements: elements})
	}
	t.Maps = append(t.Maps, nft.Map{Name: sourcesMap, Elements: s.pods})
}

// list is the chain of a list. It ends at the primary address for every destination that
// has no other source.
func (s sourcing) list(name string) nft.Chain {
	return nft.Chain{Name: name, Rules: []nft.Rule{
		{nft.MapNAT{Kind: "snat", Address: nft.DestinationAddress, Map: name, Ports: s.network.Randomize.ports()}},
		{nft.Goto(primaryChain)},
	}}
}

// postrouting runs behind kube-proxy's masquerading, so that it wins. Connections
// to a node port have the mark too but do not come from a pod's interface.
func (s sourcing) postrouting() nft.Chain {
	c := nft.Chain{
		Name: postroutingChain,
		Hook: &nft.Hook{Type: "nat", Point: "postrouting", Priority: nft.PrioritySNAT + 10},
	}
	if s.node == "" {
		return c
	}
	rule := nft.Rule{nft.InputInterface{Patterns: s.network.PodInterfaces}}
	if len(s.network.ExemptInterfaces) > 0 {
		rule = append(rule, nft.OutputInterface{Patterns: s.network.ExemptInterfaces, Not: true})
	}
	rule = append(rule, nft.MarkIsSet{Mark: nft.ConnectionMark, Mask: s.network.Mark})
	if len(s.lists) > 0 {
		rule = append(rule, nft.Goto(sourcesChain))
	} else {
		rule = append(rule, s.toPrimary())
	}
	c.Rules = []nft.Rule{rule}
	return c
}

func (s sourcing) toPrimary() nft.NAT {
	return nft.NAT{Kind: "snat", To: s.network.Primary, Ports: s.network.Randomize.ports()}
}

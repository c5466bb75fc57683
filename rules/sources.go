package rules

import (
	"slices"
	"strings"

	"github.com/snatd/snatd/rules/nft"
)

// Names in tables in which a class has another source than the primary address.
const (
	sourcesMap   = "sources"
	sourcesChain = "sources"
	primaryChain = "primary"
)

// sourceChains are the chains that choose the source address, by the name of
// the class; those of classes that know only the primary address are missing.
type sourceChains map[string]string

// of returns the chain for a class.
func (s sourceChains) of(class string) string {
	if name, ok := s[class]; ok {
		return name
	}
	return primaryChain
}

func (r *Ruleset) sourceChains() sourceChains {
	chains := sourceChains{}
	for _, c := range r.Classes {
		if c.hasOtherSources() {
			chains[c.Name] = c.sourceName()
		}
	}
	return chains
}

func (c Class) hasOtherSources() bool {
	return c.Default.Source.IsValid() || slices.ContainsFunc(c.Intervals, func(i Interval) bool {
		return i.Outcome.Source.IsValid()
	})
}

// sourceName follows the name of the class, so that it is kept when that is.
func (c Class) sourceName() string { return "s_" + strings.TrimPrefix(c.Name, "c_") }

// addSources adds what postrouting goes to where there are several source
// addresses. A table without any has nothing of it.
func (r *Ruleset) addSources(t *nft.Table, others sourceChains) {
	t.Chains = append(t.Chains,
		nft.Chain{Name: primaryChain, Rules: []nft.Rule{{r.toPrimary()}}},
		nft.Chain{Name: sourcesChain, Rules: []nft.Rule{
			{nft.Lookup{Address: nft.SourceAddress, Map: sourcesMap}},
			{nft.Goto(others.of(r.Node))},
		}})
	for _, c := range r.Classes {
		if _, ok := others[c.Name]; ok {
			t.Chains = append(t.Chains, c.sourceChain(r.Network.Randomize.ports()))
			t.Maps = append(t.Maps, c.sources())
		}
	}
	t.Maps = append(t.Maps, r.sourcesOfPods(others))
}

// sourcesOfPods leads the pods that differ from the node's decision to their
// sources, unless the node's lead them there too.
func (r *Ruleset) sourcesOfPods(others sourceChains) nft.Map {
	m := nft.Map{Name: sourcesMap}
	node := others.of(r.Node)
	for _, p := range r.Pods {
		if chain := others.of(p.Class); chain != node {
			m.Elements = append(m.Elements, nft.Element{First: p.Addr, Last: p.Addr, Verdict: nft.Goto(chain)})
		}
	}
	return m
}

// sourceChain ends at the primary address for every destination that has no
// other source, also if it is excluded: a first packet that was decided right
// before the class changed comes here right after.
func (c Class) sourceChain(ports nft.PortChoice) nft.Chain {
	return nft.Chain{Name: c.sourceName(), Rules: []nft.Rule{
		{nft.MapNAT{Kind: "snat", Address: nft.DestinationAddress, Map: c.sourceName(), Ports: ports}},
		{nft.Goto(primaryChain)},
	}}
}

// sources is the map from destinations to the sources that are not the primary
// address.
func (c Class) sources() nft.Map {
	m := nft.Map{Name: c.sourceName(), Interval: true, Addresses: true}
	for _, s := range c.spans() {
		if s.outcome.Source.IsValid() {
			m.Elements = append(m.Elements, nft.Element{First: address(s.first), Last: address(s.last), Address: s.outcome.Source})
		}
	}
	return m
}

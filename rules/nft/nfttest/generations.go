package nfttest

import (
	"net/netip"
	"slices"

	"github.com/snatd/snatd/rules/nft"
)

// Moment is when a transaction overtakes a packet. The kernel takes the rules of
// every chain from the generation in which the packet entered the base chain, but
// what a map holds from the generation of the moment.
type Moment struct {
	// Entered says that the rules and the single addresses are the new ones from
	// the beginning.
	Entered bool
	// Lookups is how many lookups the packet has made before; they found what was
	// there before.
	Lookups int
	// OldIntervals says that maps of intervals are the old ones to the end. Newer
	// kernels exchange them after the generation.
	OldIntervals bool
}

// PreroutingDuring is Prerouting for a packet that the transaction from one table
// to the other overtakes.
func PreroutingDuring(before, after *nft.Table, m Moment, p Packet) Packet {
	return pass(during(before, after, m), "prerouting", p)
}

// PostroutingDuring is the same for postrouting.
func PostroutingDuring(before, after *nft.Table, m Moment, p Packet) Packet {
	return pass(during(before, after, m), "postrouting", p)
}

// generations is what one packet meets.
type generations struct {
	rules, before, after *nft.Table
	moment               Moment
}

func always(t *nft.Table) *generations { return &generations{rules: t, before: t, after: t} }

func during(before, after *nft.Table, m Moment) *generations {
	g := &generations{before, before, after, m}
	if m.Entered {
		g.rules = after
	}
	return g
}

// chain finds a chain that a verdict goes to. To a packet of the generation before
// it, a new chain has no rules; in one generation verdicts go to chains that exist.
func (g *generations) chain(name string) *nft.Chain {
	i := slices.IndexFunc(g.rules.Chains, func(c nft.Chain) bool { return c.Name == name })
	if i < 0 && g.before != g.after {
		return &nft.Chain{}
	}
	return &g.rules.Chains[i]
}

// lookup finds nothing in a map that the transaction deletes, once it is in force:
// its elements go with it.
func (g *generations) lookup(name string, a netip.Addr) nft.Element {
	late := g.moment.OldIntervals && (isInterval(g.before, name) || isInterval(g.after, name))
	overtaken := g.moment.Lookups <= 0
	g.moment.Lookups--
	if late || !overtaken {
		return lookup(g.before, name, a)
	}
	return lookup(g.after, name, a)
}

func isInterval(t *nft.Table, name string) bool {
	return t != nil && slices.ContainsFunc(t.Maps, func(m nft.Map) bool { return m.Name == name && m.Interval })
}

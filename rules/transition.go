package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/rules/nft"
)

// change returns the plan from one ruleset to the next. Where source addresses change, it
// has three parts: postrouting gets what either ruleset needs, prerouting changes, and
// postrouting loses what the one before needed.
//
// A packet is decided in prerouting, by one of the rulesets, and gets its source in
// postrouting, where the next may be in force already. The address that the first
// ruleset gives must still be found there, and one that the second gives already.
//
// Not whole is a plan between two transactions of which the table decides some packets as
// before and others as after. A daemon may be killed there.
func change(before, after *Ruleset) (plan nft.Plan, whole bool) {
	if before == nil || after == nil {
		return nft.Diff(before.Table(), after.Table()), true
	}
	// The classes that stay are left out of both tables: there are many on a large node.
	one, other := before.withClasses(before.without(after)), after.withClasses(after.without(before))
	from, to := one.table(before.sourcing()), other.table(after.sourcing())
	switch {
	case before.Node == "" && after.Node != "":
		first := one.table(after.sourcing())
		return then(nft.Diff(from, first), nft.Then{}, nft.Diff(first, to)), true
	case before.Node != "" && after.Node == "":
		last := other.table(before.sourcing())
		return then(nft.Diff(from, last), nft.Then{Settle: true}, nft.Diff(last, to)), true
	case !before.overlaps(after):
		plan = nft.Diff(from, to)
		return plan, plan.Whole()
	}
	o := newOverlap(before, after)
	first, second := one.table(o.sourcing(true)), other.table(o.sourcing(false))
	decides := nft.Diff(first, second)
	plan = then(nft.Diff(from, first), nft.Then{}, decides)
	return then(plan, nft.Then{Settle: true}, nft.Diff(second, to)), decides.Whole()
}

// without returns the classes that another ruleset does not have under their names.
func (r *Ruleset) without(other *Ruleset) (classes []Class) {
	for _, c := range r.Classes {
		if same, ok := other.find(c.Name); !ok || same.identity() != c.identity() {
			classes = append(classes, c)
		}
	}
	return classes
}

// then is both plans, with what is between them if there are both.
func then(first nft.Plan, between nft.Then, second nft.Plan) nft.Plan {
	if len(first) > 0 && len(second) > 0 {
		first = append(first, between)
	}
	return append(first, second...)
}

// overlaps says whether a packet may get a source from one ruleset that the other does not
// have. Packets that a change of the primary address, of the mark or of pods' interfaces
// overtakes are not provided for.
func (r *Ruleset) overlaps(after *Ruleset) bool {
	if r.Node == "" || r.Network.Primary != after.Network.Primary || r.Network.Mark != after.Network.Mark ||
		!slices.Equal(r.Network.PodInterfaces, after.Network.PodInterfaces) {
		return false
	}
	return slices.ContainsFunc(r.Classes, Class.hasOtherSources) || slices.ContainsFunc(after.Classes, Class.hasOtherSources)
}

// overlap is postrouting for packets that either ruleset may have decided. While the one
// before decides, what both translate has its sources, so that all is as before; after
// that it has those of the one after.
type overlap struct {
	before, after *Ruleset
	// kept are the lists of the classes after, by the names of their chains: where a
	// class is edited in place, with what its pods need that were in it before.
	kept map[string][]nft.Element
}

func newOverlap(before, after *Ruleset) *overlap {
	o := &overlap{before, after, map[string][]nft.Element{}}
	for _, c := range after.Classes {
		elements := c.sources()
		if old, ok := before.find(c.Name); ok {
			elements = o.merge(old, c, true)
		}
		o.kept[c.sourceName()] = elements
	}
	return o
}

// sourcing prefers the sources of one of the rulesets where both translate.
func (o *overlap) sourcing(preferBefore bool) sourcing {
	s := sourcing{network: o.after.Network, lists: map[string][]nft.Element{}}
	chains := map[[2]string]string{}
	chain := func(before, after string) string {
		pair := [2]string{before, after}
		if _, ok := chains[pair]; !ok {
			name, elements := o.list(before, after, preferBefore)
			if chains[pair] = name; len(elements) > 0 {
				s.lists[name] = elements
			}
		}
		return chains[pair]
	}
	s.node = chain(o.before.Node, o.after.Node)
	for _, pod := range pods(o.before, o.after) {
		if chain := chain(o.before.ClassOf(pod), o.after.ClassOf(pod)); chain != s.node {
			s.pods = append(s.pods, nft.Element{First: pod, Last: pod, Verdict: nft.Goto(chain)})
		}
	}
	for _, c := range o.after.Classes {
		if kept := o.kept[c.sourceName()]; c.hasOtherSources() && len(kept) > 0 {
			s.lists[c.sourceName()] = kept
		}
	}
	return s
}

// list is the chain for packets that come from one class to another, and what it has;
// nothing where that is the primary address alone.
func (o *overlap) list(before, after string, preferBefore bool) (name string, elements []nft.Element) {
	old, class := o.before.class(before), o.after.class(after)
	elements = o.merge(old, class, preferBefore)
	kept, ok := o.kept[old.sourceName()]
	if !ok {
		kept = old.sources()
	}
	switch {
	case len(elements) == 0:
		return primaryChain, nil
	case slices.Equal(elements, o.kept[class.sourceName()]):
		return class.sourceName(), elements
	case slices.Equal(elements, kept):
		return old.sourceName(), elements
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(elements)))
	return "o_" + hex.EncodeToString(sum[:6]), elements
}

// merge gives every destination that either class translates a source: where both do, that
// of the preferred one. None is the primary address.
func (o *overlap) merge(before, after Class, preferBefore bool) (elements []nft.Element) {
	if !before.hasOtherSources() && !after.hasOtherSources() {
		return nil
	}
	inStep(before.spans(), after.spans(), func(first, last uint32, a, b ruling) {
		source := b.outcome.Source
		if a.outcome.Action == Translate && (preferBefore || b.outcome.Action != Translate) {
			source = a.outcome.Source
		}
		if source.IsValid() {
			elements = addSource(elements, first, last, source)
		}
	})
	return elements
}

// pods are the addresses that either ruleset lists, sorted.
func pods(before, after *Ruleset) (all []netip.Addr) {
	for _, m := range slices.Concat(before.Pods, after.Pods) {
		all = append(all, m.Addr)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// addSource appends an interval that lies behind all others.
func addSource(elements []nft.Element, first, last uint32, source netip.Addr) []nft.Element {
	if n := len(elements); n > 0 && elements[n-1].Address == source && elements[n-1].Last.Next() == address(first) {
		elements[n-1].Last = address(last)
		return elements
	}
	return append(elements, nft.Element{First: address(first), Last: address(last), Address: source})
}

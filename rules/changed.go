package rules

import "net/netip"

// Changed counts the destinations, up to 2^32, for which packets from src have
// another outcome in one ruleset than in the other. The zero src is a pod that
// neither knows. Neither ruleset is nil or a draining one.
func Changed(before, after *Ruleset, src netip.Addr) uint64 {
	one, other := before.class(before.ClassOf(src)), after.class(after.ClassOf(src))
	if one.identity() == other.identity() {
		return 0
	}
	count := uint64(0)
	inStep(one.spans(), other.spans(), func(first, last uint32, a, b ruling) {
		if a.outcome != b.outcome {
			count += uint64(last) - uint64(first) + 1
		}
	})
	return count
}

// Ruling is what is decided about a destination, and by whom.
type Ruling struct {
	Outcome
	// Module is the module that decided so, by its label; empty if that is not known, or
	// if nothing decided.
	Module string `json:"module,omitempty"`
}

// Change is destinations, First to Last, that are decided otherwise, if only by another
// module.
type Change struct {
	First  netip.Addr `json:"first"`
	Last   netip.Addr `json:"last"`
	Before Ruling     `json:"before"`
	After  Ruling     `json:"after"`
}

// Size is how many destinations there are, up to 2^32.
func (c Change) Size() uint64 { return uint64(number(c.Last)) - uint64(number(c.First)) + 1 }

// Changes lists the destinations for which packets from src are decided otherwise in one
// ruleset than in the other, ascending. The zero src is a pod that neither knows. A
// ruleset that is nil or draining excludes everything.
func Changes(before, after *Ruleset, src netip.Addr) (all []Change) {
	inStep(before.spansOf(src), after.spansOf(src), func(first, last uint32, a, b ruling) {
		c := Change{address(first), address(last), before.told(a), after.told(b)}
		if c.Before == c.After {
			return
		}
		if n := len(all); n > 0 && all[n-1].Last.Next() == c.First && all[n-1].Before == c.Before && all[n-1].After == c.After {
			all[n-1].Last = c.Last
			return
		}
		all = append(all, c)
	})
	return all
}

// spansOf are the rulings for every destination of packets from src.
func (r *Ruleset) spansOf(src netip.Addr) []span {
	if r == nil || r.Node == "" {
		return []span{{0, lastAddress, ruling{outcome: Outcome{Action: Exclude}}}}
	}
	return r.class(r.ClassOf(src)).spans()
}

// told is a ruling with the address that the ruleset translates to.
func (r *Ruleset) told(x ruling) Ruling {
	if x.outcome.Action == Translate && !x.outcome.Source.IsValid() {
		x.outcome.Source = r.Network.Primary
	}
	return Ruling{x.outcome, x.module}
}

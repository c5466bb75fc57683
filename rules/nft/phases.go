package nft

import "slices"

// Phases splits the plan into the transactions that it is applied as, so that a
// packet which one of them overtakes gets what the rules before the plan have for
// it, or those after it. A plan that deletes a table is one transaction.
//
// One transaction is not enough for that. The kernel takes the rules of every
// chain from the generation in which a packet entered the base chain, but what a
// map holds from the generation of the moment; maps of intervals newer kernels
// exchange even later. So old rules can find a new element, which goes to a chain
// that has no rules yet in the old generation: the packet is accepted without a
// decision. They can miss an element that is gone, and go on to what follows in the
// old rules. And an element can go to where the intervals are not there yet, or not
// any more. Therefore, each where there is something to do:
//
//  1. what nothing refers to yet is made, with all that is in it,
//  2. intervals change,
//  3. rules and single addresses change, to what exists in both generations now,
//  4. addresses go whose packets the new rules take over,
//  5. what nothing refers to any more is removed,
//  6. chains go that elements in a removed map may go to: before Linux 6.2 they count
//     as in use until the transaction that deletes those elements ends.
//
// The second relies on the plan: no packet that can be on its way to intervals
// which change is to go elsewhere afterwards, and the rules around them stay.
//
// One element more or less is one transaction. If a transaction is refused, those in
// front of it stay: what the first made is invisible to packets, what the others did
// is not.
//
// A transaction takes longer than a packet's way through the chains, so that none
// overtakes a packet which one before it has overtaken.
//
// A Then is a phase of its own, between those of what is in front of it and behind it.
func (p Plan) Phases() (all []Plan) {
	for {
		i := slices.IndexFunc(p, func(o Op) bool { _, then := o.(Then); return then })
		if i < 0 {
			return append(all, p.phases()...)
		}
		all = append(append(all, p[:i].phases()...), Plan{p[i]})
		p = p[i+1:]
	}
}

func (p Plan) phases() []Plan {
	var all [phases]Plan
	s := survey(p)
	if s.wholeTable || len(p) == 1 {
		return []Plan{p}
	}
	for _, op := range p {
		if gone, ok := op.(DeleteElements); ok && !gone.Interval {
			now, later := s.leaving(gone)
			all[change], all[leave] = now.appendTo(all[change]), later.appendTo(all[leave])
			continue
		}
		i := s.phase(op)
		all[i] = append(all[i], op)
	}
	return slices.DeleteFunc(all[:], func(p Plan) bool { return len(p) == 0 })
}

// The phases, in order.
const (
	prepare = iota
	intervals
	change
	leave
	remove
	removeChains
	phases // how many there are
)

func (o DeleteElements) appendTo(p Plan) Plan {
	if len(o.Elements) == 0 {
		return p
	}
	return append(p, o)
}

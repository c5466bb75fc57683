package nft

import "net/netip"

// surveyed is what has to be known of a plan before its changes are put in order.
type surveyed struct {
	wholeTable    bool
	newChains     map[string]bool // without those with a hook: packets enter them at once
	newMaps       map[string]bool
	chainsThatGo  map[string]bool
	addedElements map[addedElement]bool
	deletesMaps   bool
	// otherwise is, by map that the new rules of chains which stay look up first, what they
	// do with an address that it does not hold; zero is not a verdict alone.
	otherwise map[string]Verdict
}

type addedElement struct {
	inMap string
	first netip.Addr
}

func survey(p Plan) surveyed {
	s := surveyed{
		newChains: map[string]bool{}, newMaps: map[string]bool{}, chainsThatGo: map[string]bool{},
		addedElements: map[addedElement]bool{}, otherwise: map[string]Verdict{},
	}
	for _, op := range p {
		switch op := op.(type) {
		case DeleteTable:
			s.wholeTable = true
		case AddChain:
			s.newChains[op.Name] = op.Hook == nil
		case AddMap:
			s.newMaps[op.Name] = true
		case DeleteMap:
			s.deletesMaps = true
		case DeleteChain:
			s.chainsThatGo[op.Name] = true
		case AddElements:
			for _, e := range op.Elements {
				s.addedElements[addedElement{op.Map, e.First}] = true
			}
		}
	}
	rules := map[string][]Rule{} // the new ones, by chain that stays
	for _, op := range p {
		if rule, ok := op.(AddRule); ok && !s.newChains[rule.Chain] {
			rules[rule.Chain] = append(rules[rule.Chain], rule.Rule)
		}
	}
	for _, list := range rules {
		s.lookUp(list)
	}
	return s
}

// lookUp takes note of the maps that rules look up, and of what follows.
func (s surveyed) lookUp(rules []Rule) {
	for i, r := range rules {
		lookup, ok := r[0].(Lookup)
		if !ok {
			continue
		}
		s.otherwise[lookup.Map] = Verdict{}
		if i+1 < len(rules) && len(rules[i+1]) == 1 {
			s.otherwise[lookup.Map], _ = rules[i+1][0].(Verdict)
		}
	}
}

// phase is that of an op, except for single addresses that go.
func (s surveyed) phase(op Op) int {
	switch op := op.(type) {
	case AddChain:
		return either(s.newChains[op.Name], prepare, change)
	case AddRule:
		return either(s.newChains[op.Chain], prepare, change)
	case AddTable, AddMap, AddCounter:
		return prepare
	case AddElements:
		return either(s.newMaps[op.Map], prepare, either(op.Interval, intervals, change))
	case DeleteElements:
		return intervals
	case FlushChain:
		return either(s.chainsThatGo[op.Name], remove, change)
	case DeleteMap, DeleteCounter:
		return remove
	case DeleteChain:
		return either(s.deletesMaps, removeChains, remove)
	}
	return change
}

func either(first bool, one, other int) int {
	if first {
		return one
	}
	return other
}

// leaving tells what is done with addresses that go along with the change of rules from
// what is done after it. What has a successor goes along, and so does what the rules that
// change do not look up. What the new rules take over is led to where they lead it without
// the map, so that it is decided as they say from then on.
func (s surveyed) leaving(op DeleteElements) (now Plan, later DeleteElements) {
	gone, led := op, AddElements{Table: op.Table, Map: op.Map}
	gone.Elements, later, later.Elements = nil, op, nil
	verdict, lookedUp := s.otherwise[op.Map]
	for _, e := range op.Elements {
		switch {
		case !lookedUp || s.addedElements[addedElement{op.Map, e.First}]:
			gone.Elements = append(gone.Elements, e)
			continue
		case verdict != Verdict{} && e.Verdict != verdict:
			gone.Elements = append(gone.Elements, e)
			e.Verdict = verdict
			led.Elements = append(led.Elements, e)
		}
		later.Elements = append(later.Elements, e)
	}
	if len(gone.Elements) > 0 {
		now = append(now, gone)
	}
	if len(led.Elements) > 0 {
		now = append(now, led)
	}
	return now, later
}

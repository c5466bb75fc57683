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
	// changesRules says that chains which stay get other rules.
	changesRules bool
}

type addedElement struct {
	inMap string
	first netip.Addr
}

func survey(p Plan) surveyed {
	s := surveyed{
		newChains: map[string]bool{}, newMaps: map[string]bool{}, chainsThatGo: map[string]bool{},
		addedElements: map[addedElement]bool{},
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
	for _, op := range p {
		switch op := op.(type) {
		case AddRule:
			s.changesRules = s.changesRules || !s.newChains[op.Chain]
		case FlushChain:
			s.changesRules = s.changesRules || !s.chainsThatGo[op.Name]
		}
	}
	return s
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

// leaving tells the addresses that go along with the change of rules from those that
// go after it. What has a successor goes along.
func (s surveyed) leaving(op DeleteElements) (now, later DeleteElements) {
	now, later = op, op
	now.Elements, later.Elements = nil, nil
	for _, e := range op.Elements {
		if !s.changesRules || s.addedElements[addedElement{op.Map, e.First}] {
			now.Elements = append(now.Elements, e)
		} else {
			later.Elements = append(later.Elements, e)
		}
	}
	return now, later
}

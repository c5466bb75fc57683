package rules

import (
	"cmp"
	"slices"
)

// adopt returns after with names of classes that before has, where that makes
// the change small:
//
//   - a class whose content before has too keeps its name there, so that none
//     of its members' elements change;
//   - of the others, a class takes the name of the class that held the most of
//     its members, so that its map is edited in place, if that changes fewer
//     intervals than a new map would hold and if no member of that class goes
//     elsewhere: its packets may be on their way to the map;
//   - the rest keep their own names, unless one is in use.
func adopt(before, after *Ruleset) *Ruleset {
	if before == nil || after == nil {
		return after
	}
	a := adoption{names: map[string]string{}, taken: map[string]bool{}}
	for _, c := range before.Classes {
		a.taken[c.Name] = true
	}
	olds, news := a.keepEqual(before.Classes, after.Classes)
	a.editInPlace(candidates(before, after, olds, news))
	for _, c := range news {
		if _, adopted := a.names[c.Name]; !adopted {
			a.names[c.Name] = c.identity().freeName(a.taken)
		}
	}
	return after.renamed(a.names)
}

// adoption collects the names.
type adoption struct {
	names map[string]string // from those in after
	taken map[string]bool   // all names of before, and those given away
}

// keepEqual returns the classes of both sides that have no equal on the other.
func (a *adoption) keepEqual(before, after []Class) (olds, news []Class) {
	names := map[identity]string{}
	for _, c := range before {
		names[c.identity()] = c.Name
	}
	kept := map[string]bool{}
	for _, c := range after {
		if name, ok := names[c.identity()]; ok {
			a.names[c.Name] = name
			kept[name] = true
		} else {
			news = append(news, c)
		}
	}
	for _, c := range before {
		if !kept[c.Name] {
			olds = append(olds, c)
		}
	}
	return olds, news
}

// candidate is an old class that a new one could be made of in place.
type candidate struct {
	old, new string
	members  int // that are in both
	changes  int // intervals to delete and to add
}

func (a *adoption) editInPlace(all []candidate) {
	for _, c := range all {
		if _, adopted := a.names[c.new]; !adopted {
			a.names[c.new] = c.old
		}
	}
}

// candidates are sorted, the best first. An old class is at most one's candidate.
func candidates(before, after *Ruleset, olds, news []Class) []candidate {
	heirs := findHeirs(before, after)
	var all []candidate
	for _, n := range news {
		for _, o := range olds {
			h := heirs[o.Name]
			// Rules and elements change together then; a packet can meet the old
			// default with the new exceptions.
			if h.class != n.Name || !sameWays(o, n) {
				continue
			}
			c := candidate{o.Name, n.Name, h.members, changes(o.Intervals, n.Intervals)}
			if c.changes < len(n.Intervals) {
				all = append(all, c)
			}
		}
	}
	slices.SortFunc(all, func(x, y candidate) int {
		return cmp.Or(
			cmp.Compare(y.members, x.members),
			cmp.Compare(x.changes, y.changes),
			cmp.Compare(x.new, y.new),
			cmp.Compare(x.old, y.old),
		)
	})
	return all
}

// sameWays says whether the rules of two classes are the same but for their names.
func sameWays(a, b Class) bool {
	return a.decider() == b.decider() && commonException(a.exceptions()) == commonException(b.exceptions())
}

// heir is the class that all members of a class come to; its name is empty if they
// come to several.
type heir struct {
	class   string
	members int
}

// findHeirs returns the heirs of the classes of before. The node decision counts as
// one member, whatever the number of pods that follow it, as do those pods that get
// a class of their own. A pod that is gone looks like one that follows the node.
func findHeirs(before, after *Ruleset) map[string]heir {
	all := map[string]heir{}
	move := func(from, to string) {
		h, known := all[from]
		switch {
		case !known:
			h.class = to
		case h.class != to:
			h.class = ""
		}
		h.members++
		all[from] = h
	}
	move(before.Node, after.Node)
	for _, m := range before.Pods {
		move(m.Class, after.ClassOf(m.Addr))
	}
	for _, m := range after.Pods {
		if before.ClassOf(m.Addr) == before.Node {
			move(before.Node, m.Class)
		}
	}
	return all
}

// changes counts the intervals that are in one of the two lists only.
func changes(a, b []Interval) int {
	common := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch order := a[i].First.Compare(b[j].First); {
		case order < 0:
			i++
		case order > 0:
			j++
		default:
			if a[i] == b[j] {
				common++
			}
			i++
			j++
		}
	}
	return len(a) + len(b) - 2*common
}

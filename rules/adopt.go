package rules

// adopt returns after with names of classes that before has, where that makes
// the change small:
//
//   - a class whose content before has too keeps its name there, so that none
//     of its members' elements change;
//   - of the others, a class takes the name of the one that held its members, so that its
//     map is edited in place, if it changes fewer intervals than a new map would hold and
//     if these are all the members of both: the packets of one that goes elsewhere may be
//     on their way to the map. That can be left out;
//   - the rest keep their own names, unless one is in use.
func adopt(before, after *Ruleset, inPlace bool) *Ruleset {
	if before == nil || after == nil {
		return after
	}
	a := adoption{names: map[string]string{}, taken: map[string]bool{}}
	for _, c := range before.Classes {
		a.taken[c.Name] = true
	}
	olds, news := a.keepEqual(before.Classes, after.Classes)
	if inPlace {
		a.editInPlace(before, after, olds, news)
	}
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

// editInPlace gives new classes the names of the old ones that they are made of.
func (a *adoption) editInPlace(before, after *Ruleset, olds, news []Class) {
	heirs, origins := findHeirs(before, after), findHeirs(after, before)
	for _, n := range news {
		for _, o := range olds {
			// Rules and elements change together then; a packet can meet the old
			// default with the new exceptions.
			if heirs[o.Name] != n.Name || origins[n.Name] != o.Name || !sameWays(o, n) {
				continue
			}
			if changes(o.Intervals, n.Intervals) < len(n.Intervals) {
				a.names[n.Name] = o.Name
			}
		}
	}
}

// sameWays says whether the rules of two classes are the same but for their names.
func sameWays(a, b Class) bool {
	return a.decider() == b.decider() && commonException(a.exceptions()) == commonException(b.exceptions())
}

// findHeirs returns, by class of one ruleset, the class of the other that all its members
// come to; empty if they come to several. The node decision counts as one member, whatever
// the number of pods that follow it, as do those pods that get a class of their own. A pod
// that is gone looks like one that follows the node.
func findHeirs(before, after *Ruleset) map[string]string {
	heirs := map[string]string{}
	move := func(from, to string) {
		if heir, known := heirs[from]; known && heir != to {
			to = ""
		}
		heirs[from] = to
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
	return heirs
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

package nft

// editor collects the changes of one table, one kind of change per method.
type editor struct {
	table string
	plan  Plan
}

func (e *editor) add(op Op) { e.plan = append(e.plan, op) }

func (e *editor) addCounter(c pair[string]) {
	if c.before == nil {
		e.add(AddCounter{Table: e.table, Name: *c.after})
	}
}

func (e *editor) deleteCounter(c pair[string]) {
	if c.after == nil {
		e.add(DeleteCounter{Table: e.table, Name: *c.before})
	}
}

func (e *editor) addMap(m pair[Map]) {
	if m.before == nil {
		e.add(AddMap{Table: e.table, Name: m.after.Name, Interval: m.after.Interval, Addresses: m.after.Addresses})
	}
}

func (e *editor) addChain(c pair[Chain]) {
	if c.before == nil {
		e.add(AddChain{Table: e.table, Name: c.after.Name, Hook: c.after.Hook})
	}
}

// changeRules also flushes chains that go, so that their rules refer to nothing
// any more when maps and chains are deleted.
func (e *editor) changeRules(c pair[Chain]) {
	var before, after []Rule
	if c.before != nil {
		before = c.before.Rules
	}
	if c.after != nil {
		after = c.after.Rules
	}
	if sameRules(before, after) {
		return
	}
	if len(before) > 0 {
		e.add(FlushChain{Table: e.table, Name: c.before.Name})
	}
	for _, r := range after {
		e.add(AddRule{Table: e.table, Chain: c.after.Name, Rule: r})
	}
}

// deleteElements deletes a map that goes as a whole, elements included.
func (e *editor) deleteElements(m pair[Map]) {
	if m.after == nil {
		e.add(DeleteMap{Table: e.table, Name: m.before.Name})
		return
	}
	if m.before == nil {
		return
	}
	if gone := without(m.before.Elements, m.after.Elements); len(gone) > 0 {
		e.add(DeleteElements{Table: e.table, Map: m.after.Name, Interval: m.after.Interval, Elements: gone})
	}
}

func (e *editor) addElements(m pair[Map]) {
	if m.after == nil {
		return
	}
	fresh := m.after.Elements
	if m.before != nil {
		fresh = without(fresh, m.before.Elements)
	}
	if len(fresh) > 0 {
		e.add(AddElements{Table: e.table, Map: m.after.Name, Interval: m.after.Interval, Elements: fresh})
	}
}

func (e *editor) deleteChain(c pair[Chain]) {
	if c.after == nil {
		e.add(DeleteChain{Table: e.table, Name: c.before.Name})
	}
}

// without returns the elements of a that b does not have exactly so. Both are
// sorted by First, which is unique in each.
func without(a, b []Element) []Element {
	var rest []Element
	for _, x := range a {
		for len(b) > 0 && b[0].First.Less(x.First) {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != x {
			rest = append(rest, x)
		}
	}
	return rest
}

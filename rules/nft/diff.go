package nft

import "slices"

// Diff returns the plan that turns before into after, empty if they are equal.
// A nil before is a table that does not exist; a nil after removes the table.
// Both must be sorted as Table says; before may hold what snatd never makes.
//
// Objects that stay are edited: a map keeps the elements that both tables have,
// a chain keeps its rules unless one differs.
func Diff(before, after *Table) Plan {
	switch {
	case before == nil && after == nil:
		return nil
	case after == nil:
		return Plan{DeleteTable{before.Name}}
	case before == nil:
		return create(after)
	case !editable(before, after):
		return append(Plan{DeleteTable{before.Name}}, create(after)...)
	}
	return edit(before, after)
}

func create(t *Table) Plan {
	return append(Plan{AddTable{t.Name}}, edit(&Table{Name: t.Name}, t)...)
}

// editable says whether the kernel has commands that lead from before to after.
// It has none that change a table's name, a chain's hook, or what a map is, and the
// plan has none that delete what snatd never makes, but for the whole table.
func editable(before, after *Table) bool {
	if before.Name != after.Name || !slices.Equal(before.Other, after.Other) {
		return false
	}
	for _, c := range pairs(before.Chains, after.Chains, chainName) {
		if c.both() && !sameHook(c.before.Hook, c.after.Hook) {
			return false
		}
	}
	for _, m := range pairs(before.Maps, after.Maps, mapName) {
		if m.both() && !sameKind(*m.before, *m.after) {
			return false
		}
	}
	return true
}

func sameKind(a, b Map) bool {
	return a.Interval == b.Interval && a.Addresses == b.Addresses && a.Other == b.Other
}

func sameHook(a, b *Hook) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// edit orders the changes so that at every one of them what it refers to
// exists, and nothing refers to what it deletes: the kernel checks each command
// of a transaction against the state that the ones in front of it left.
func edit(before, after *Table) Plan {
	e := editor{table: after.Name}
	counters := pairs(before.Counters, after.Counters, func(name string) string { return name })
	maps := pairs(before.Maps, after.Maps, mapName)
	chains := pairs(before.Chains, after.Chains, chainName)
	for _, c := range counters {
		e.addCounter(c)
	}
	// Chains are first: nft itself sends the elements of a new map along with
	// the map, and they go to chains. New chains are empty and refer to nothing.
	for _, c := range chains {
		e.addChain(c)
	}
	for _, m := range maps {
		e.addMap(m)
	}
	for _, c := range chains {
		e.changeRules(c)
	}
	for _, m := range maps {
		e.deleteElements(m)
	}
	for _, m := range maps {
		e.addElements(m)
	}
	for _, c := range chains {
		e.deleteChain(c)
	}
	for _, c := range counters {
		e.deleteCounter(c)
	}
	return e.plan
}

// pair is an object of both tables, or of one of them.
type pair[T any] struct{ before, after *T }

func (p pair[T]) both() bool { return p.before != nil && p.after != nil }

func mapName(m Map) string     { return m.Name }
func chainName(c Chain) string { return c.Name }

// pairs merges two lists that are sorted by name.
func pairs[T any](before, after []T, name func(T) string) []pair[T] {
	all := make([]pair[T], 0, max(len(before), len(after)))
	for len(before) > 0 || len(after) > 0 {
		var p pair[T]
		if len(after) == 0 || len(before) > 0 && name(before[0]) <= name(after[0]) {
			p.before = &before[0]
		}
		if len(before) == 0 || len(after) > 0 && name(after[0]) <= name(before[0]) {
			p.after = &after[0]
		}
		if p.before != nil {
			before = before[1:]
		}
		if p.after != nil {
			after = after[1:]
		}
		all = append(all, p)
	}
	return all
}

// sameRules compares the text of rules, which is what tells rules apart.
func sameRules(a, b []Rule) bool {
	return slices.EqualFunc(a, b, func(x, y Rule) bool { return x.String() == y.String() })
}

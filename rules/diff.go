package rules

import "github.com/snatd/snatd/rules/nft"

// Diff returns the plan that leads from before, which the kernel holds, to
// after. A nil before says that the table does not exist; a nil after removes
// it. The plan is empty if nothing changes.
//
// Its After has the content of after, but keeps names that before's classes
// have: pass it as the next before.
func Diff(before, after *Ruleset) Plan {
	edited := adopt(before, after, true)
	ops, whole := change(before, edited)
	if whole {
		return Plan{After: edited, Ops: ops}
	}
	after = adopt(before, after, false)
	ops, _ = change(before, after)
	return Plan{After: after, Ops: ops}
}

// Continue returns the plan that leads to after from a table that was read from the
// kernel, nil if there is none, whoever left it so. It is empty if the table is
// after's, and changes no more than it must: what FromTable understands keeps its
// names, and the rest is put right or removed.
func Continue(held *nft.Table, after *Ruleset) Plan {
	before, exact := FromTable(held)
	if exact {
		return Diff(before, after)
	}
	edited := adopt(before, after, true)
	if ops := nft.Diff(held, edited.Table()); ops.Whole() {
		return Plan{After: edited, Ops: ops}
	}
	after = adopt(before, after, false)
	return Plan{After: after, Ops: nft.Diff(held, after.Table())}
}

// Replace returns the plan that leads to after from a kernel whose table is not
// known, or may not exist, in one transaction. A nil after removes the table.
//
// That is less than the phases of a difference give, and there are none for a table
// that is not known. A packet in the old chains finds their maps empty from that
// moment on. And kernels that exchange intervals after the generation decide by the
// default of each class alone until they have.
func Replace(after *Ruleset) Plan {
	// Deleting a table that does not exist is an error; adding one that does
	// is not.
	ops := nft.Plan{nft.AddTable{Table: TableName}, nft.DeleteTable{Table: TableName}}
	return Plan{After: after, Ops: append(ops, nft.Diff(nil, after.Table())...)}
}

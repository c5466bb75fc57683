package nfttest

import (
	"fmt"
	"syscall"

	"github.com/snatd/snatd/rules/nft"
)

// Apply returns the table that plan leaves of table, where nil is no table, and
// leaves table itself as it is. It is one transaction: the first operation that
// the kernel would refuse fails all of it, with an error that names the
// operation and wraps the kernel's errno:
//
//   - ENOENT: the object, or one that a verdict or lookup refers to, is missing
//   - EEXIST: an element overlaps another, or is there already; a chain exists
//     with another hook, a map with other flags
//   - EBUSY: a chain, map or counter to be deleted is referred to
//   - EINVAL: an element that its map cannot hold, or a rule that takes the
//     other kind of data from a map than it holds
//   - EOPNOTSUPP: a verdict that goes to a base chain, or address translation
//     that packets reach from a base chain that is not of type nat
//
// The kernel takes an element that is there with the same verdict without a
// word; here that is EEXIST, because a plan has no reason to add one.
func Apply(table *nft.Table, plan nft.Plan) (*nft.Table, error) {
	k := load(table)
	for i, op := range plan {
		if err := k.apply(op); err != nil {
			return table, fmt.Errorf("operation %d, %s: %w", i+1, op, err)
		}
	}
	return k.table(), nil
}

func (k *kernel) apply(op nft.Op) error {
	switch op := op.(type) {
	case nft.Then:
		return nil
	case nft.AddTable:
		return k.addTable(op.Table)
	case nft.DeleteTable:
		return k.in(op.Table, func() error { *k = kernel{}; return nil })
	case nft.AddCounter:
		return k.in(op.Table, func() error { k.counters[op.Name] = true; return nil })
	case nft.DeleteCounter:
		return k.in(op.Table, func() error { return k.deleteCounter(op.Name) })
	case nft.AddChain:
		return k.in(op.Table, func() error { return k.addChain(op) })
	case nft.FlushChain:
		return k.in(op.Table, func() error { return k.flushChain(op.Name) })
	case nft.DeleteChain:
		return k.in(op.Table, func() error { return k.deleteChain(op.Name) })
	case nft.AddRule:
		return k.in(op.Table, func() error { return k.addRule(op) })
	case nft.AddMap:
		return k.in(op.Table, func() error { return k.addMap(op) })
	case nft.DeleteMap:
		return k.in(op.Table, func() error { return k.deleteMap(op.Name) })
	case nft.AddElements:
		return k.in(op.Table, func() error { return k.addElements(op) })
	case nft.DeleteElements:
		return k.in(op.Table, func() error { return k.deleteElements(op) })
	}
	return fmt.Errorf("%T: %w", op, syscall.EOPNOTSUPP)
}

// in runs f if the table exists.
func (k *kernel) in(table string, f func() error) error {
	if k.name != table {
		return fmt.Errorf("table %s: %w", table, syscall.ENOENT)
	}
	return f()
}

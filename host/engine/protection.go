package engine

import (
	"slices"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// protection says who can change what the kernel holds. That changes with the table's
// making and taking over only, so the kernel is asked after these.
func (i *installer) protection() (dataplane.Protection, error) {
	if !i.protect {
		return dataplane.Unprotected, nil
	}
	if i.whose != "" {
		return i.whose, nil
	}
	whose, err := i.kernel.Protect(rules.TableName)
	if err == nil {
		i.whose = whose
	}
	return whose, err
}

// remakes says whether a plan makes or deletes the table.
func remakes(plan nft.Plan) bool {
	return slices.ContainsFunc(plan, func(op nft.Op) bool {
		switch op.(type) {
		case nft.AddTable, nft.DeleteTable:
			return true
		}
		return false
	})
}

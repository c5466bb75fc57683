package engine

import (
	"errors"
	"fmt"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// verify reads what the kernel holds and puts right what others have changed. It
// returns what was different, in a few words each, also if putting it right failed:
// then the next install does it. Without knowing what the kernel should hold, or if
// that is nothing, there is nothing to verify.
func (i *installer) verify() (different []string, err error) {
	if !i.known || i.holds == nil {
		return nil, nil
	}
	held, err := i.read()
	if err != nil {
		return nil, err
	}
	different, unrouted := i.verifyRouting()
	// The names stay: packets may be on their way.
	plan := rules.Plan{After: i.holds, Ops: nft.Diff(held, i.holds.Table())}
	different = append(different, differences(plan.Ops)...)
	_, err = i.apply(plan, nil)
	return different, errors.Join(unrouted, err)
}

// verifyRouting does so for the routing rules of all marks.
func (i *installer) verifyRouting() (different []string, err error) {
	marks := marksOf(i.holds)
	missing, others, err := i.kernel.CheckRouting(marks...)
	if err != nil {
		return nil, err
	}
	for _, mark := range missing {
		different = append(different, fmt.Sprintf("the routing rule for mark %#x is missing", mark))
		if err := i.kernel.AddRouting(mark); err != nil {
			return different, err
		}
	}
	for _, mark := range others {
		different = append(different, fmt.Sprintf("a routing rule for mark %#x is not snatd's", mark))
	}
	if len(others) > 0 {
		err = i.kernel.PruneRouting(marks...)
	}
	return different, err
}

// routed says whether the routing rules are as they should be.
func (i *installer) routed() bool {
	if !i.known || i.holds == nil {
		return true
	}
	missing, others, err := i.kernel.CheckRouting(marksOf(i.holds)...)
	return err != nil || len(missing)+len(others) == 0
}

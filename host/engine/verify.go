package engine

import (
	"fmt"
	"slices"

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
	lost, err := i.lostMarks()
	if err != nil {
		return nil, err
	}
	for _, mark := range lost {
		different = append(different, fmt.Sprintf("the routing rule for mark %#x is missing", mark))
		if err := i.kernel.AddRouting(mark); err != nil {
			return different, err
		}
	}
	// The names stay: packets may be on their way.
	plan := rules.Plan{After: i.holds, Ops: nft.Diff(held, i.holds.Table())}
	different = append(different, differences(plan.Ops)...)
	_, err = i.apply(plan, nil)
	return different, err
}

// lostMarks are those that have no routing rule but should.
func (i *installer) lostMarks() ([]uint32, error) {
	marks, err := i.kernel.RoutingMarks()
	if err != nil {
		return nil, err
	}
	wanted := append([]uint32{i.holds.Network.Mark}, i.holds.Network.EarlierMarks...)
	return slices.DeleteFunc(wanted, func(m uint32) bool { return slices.Contains(marks, m) }), nil
}

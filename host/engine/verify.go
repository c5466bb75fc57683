package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// verify reads what the kernel holds and puts right what others have changed, also if
// that is not known since a change was refused. It returns what was different, in a few
// words each, also if putting it right failed. If the kernel should hold nothing, there is
// nothing to verify.
func (i *installer) verify() (different []string, err error) {
	if i.empty() {
		return nil, nil
	}
	held, err := i.read()
	if err != nil {
		return nil, err
	}
	if i.holds == nil {
		return nil, i.takeOver(held)
	}
	different, unrouted := i.verifyRouting()
	// The names stay: packets may be on their way.
	plan := rules.Plan{After: i.holds, Ops: nft.Diff(held, i.holds.Table())}
	different = append(different, differences(plan.Ops)...)
	if i.mistaken >= mostMistakes && len(plan.Ops) > 0 {
		i.mistaken, plan = 0, rules.Replace(i.holds)
	}
	_, err = i.apply(plan, nil)
	i.judge(err)
	return different, errors.Join(unrouted, err)
}

// left looks at what an earlier run left, and says whether that decides anything.
func (i *installer) left() (decides bool, err error) {
	held, err := i.read()
	if errors.Is(err, errOwned) {
		return true, nil // by that run, which ends just now
	}
	if err != nil || held == nil {
		return false, err
	}
	if i.takeOver(held) != nil {
		i.known = false // and is looked at again
	}
	return findingOf(held).decides, nil
}

// finding is what is made of a table that an earlier run left.
type finding struct {
	// ruleset is as much of it as is understood, nil without a table; exact says that this is
	// all of it.
	ruleset *rules.Ruleset
	exact   bool
	// decides says whether it decides anything.
	decides bool
}

func findingOf(held *nft.Table) finding {
	understood, exact := rules.FromTable(held)
	return finding{understood, exact, held != nil && (understood.Node != "" || !exact && hooked(held))}
}

// hooked says whether packets come to a rule of a table: another version may decide there in
// a way that is not understood.
func hooked(held *nft.Table) bool {
	return slices.ContainsFunc(held.Chains, func(c nft.Chain) bool { return c.Hook != nil && len(c.Rules) > 0 })
}

// found is what the kernel holds before the first rules of this run; another version, or
// others, may have made it.
func (i *installer) found() (finding, error) {
	if !i.known {
		if _, err := i.verify(); err != nil {
			return finding{}, err
		}
	}
	if i.known {
		return finding{i.holds, true, i.holds != nil && i.holds.Node != ""}, nil
	}
	held, err := i.read()
	if err != nil {
		return finding{}, err
	}
	return findingOf(held), nil
}

// takeOver takes for granted what an earlier run left, so that it is guarded before
// anything is decided, if it is a whole ruleset: only the next install can make sense of
// anything else. What is not routed by it is left to that too.
func (i *installer) takeOver(held *nft.Table) error {
	understood, exact := rules.FromTable(held)
	if !exact {
		return nil
	}
	i.holds, i.known = understood, true
	for _, mark := range marksOf(understood) {
		if err := i.kernel.AddRouting(mark); err != nil {
			return err
		}
	}
	return nil
}

// verifyRouting does so for the routing rules of all marks. While a change of snatd's own is
// refused, there may be rules that it needs.
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
	if i.refused {
		return different, nil
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

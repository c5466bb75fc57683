package engine

import (
	"errors"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// origin is what the kernel holds, as a plan begins from it.
type origin struct {
	// ruleset is as much of it as can be understood; nil if that is nothing.
	ruleset *rules.Ruleset
	// exists is false if there is no table.
	exists bool
	// plan makes one from there to another ruleset.
	plan func(to *rules.Ruleset) rules.Plan
}

// mostMistakes is how many plans in a row may be refused before all is replaced, which
// fits whatever the kernel holds: one can meet another program's change.
const mostMistakes = 2

// origin is what is remembered, or else what the kernel says, whoever left it so.
func (i *installer) origin() (origin, error) {
	if holds := i.holds; i.known {
		return origin{holds, holds != nil, func(to *rules.Ruleset) rules.Plan { return rules.Diff(holds, to) }}, nil
	}
	if i.mistaken >= mostMistakes {
		i.mistaken = 0
		return origin{nil, true, rules.Replace}, nil
	}
	held, err := i.read()
	if err != nil {
		return origin{}, err
	}
	understood, _ := rules.FromTable(held)
	return origin{understood, held != nil, func(to *rules.Ruleset) rules.Plan { return rules.Continue(held, to) }}, nil
}

// errOwned passes: two runs overlap for a moment when one follows the other.
var errOwned = errors.New("the table ip " + rules.TableName + " is owned by another process, which alone can change it; accepted: no other snatd in this network namespace")

// read is what the kernel holds. What an earlier run left is made our own first: nobody
// can change it then between the reading and the plan that follows from it.
func (i *installer) read() (*nft.Table, error) {
	if i.protect {
		i.whose = ""
		protection, err := i.protection()
		if err != nil {
			return nil, err
		}
		if protection == dataplane.OwnedByOther {
			return nil, errOwned
		}
	}
	return i.kernel.Read(rules.TableName)
}

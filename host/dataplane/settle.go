package dataplane

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"

	"github.com/snatd/snatd/rules/nft"
)

// settledTable is made in a transaction that never comes to pass.
const settledTable = "snatd-settle"

// step is a phase of a plan: a transaction, or what is waited for between two.
type step struct {
	*transaction
	then nft.Then
}

// steps encodes the phases of a plan.
func (d *Dataplane) steps(plan nft.Plan) (all []step, err error) {
	for _, phase := range plan.Phases() {
		if then, ok := phase[0].(nft.Then); ok {
			all = append(all, step{then: then})
			continue
		}
		tx, failed, err := encode(phase, d.flags)
		if err != nil {
			return nil, &ApplyError{Op: failed, Kind: ErrRefused, Err: err}
		}
		all = append(all, step{transaction: tx})
	}
	return all, nil
}

// take does what the step says.
func (d *Dataplane) take(s step) error {
	switch {
	case s.transaction != nil:
		return d.commit(s.transaction)
	case s.then.Settle:
		return d.settle()
	}
	return nil
}

// settle returns when every packet that is on its way through the node's hooks now has
// left them. The kernel takes back a transaction that it refuses only when nobody looks at
// it any more, and a packet counts as looking from its arrival to its departure (RCU).
func (d *Dataplane) settle() error {
	again := makeTable(settledTable, 0)
	again.Header.Flags |= netlink.Excl
	refused, err := d.socket.commit([]netlink.Message{makeTable(settledTable, 0), again})
	if err == nil && len(refused) == 0 {
		err = errors.New("a table was made twice")
	}
	if err != nil {
		return &ApplyError{Op: nft.Then{Settle: true}, Kind: ErrInDoubt, Err: fmt.Errorf("wait for packets on their way: %w", err)}
	}
	return nil
}

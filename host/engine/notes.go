package engine

import (
	"fmt"
	"slices"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// notes are a kernel that an installer can work on, which takes notes of what it is told
// and does nothing.
type notes struct {
	held    *nft.Table
	marks   []uint32 // of the routing rules
	flows   plannedFlows
	ops     nft.Plan
	routing []string
}

// newNotes begins where a ruleset is installed, or nothing for nil.
func newNotes(held *rules.Ruleset, flows plannedFlows) *notes {
	n := &notes{held: held.Table(), flows: flows, routing: []string{}}
	if held != nil {
		n.marks = append([]uint32{held.Network.Mark}, held.Network.EarlierMarks...)
	}
	return n
}

func (n *notes) Apply(plan nft.Plan) error {
	n.ops = append(n.ops, plan...)
	return nil
}

func (n *notes) Read(string) (*nft.Table, error) { return n.held, nil }

func (n *notes) Protect(string) (dataplane.Protection, error) { return dataplane.Unprotected, nil }

func (n *notes) LiveNAT(mark uint32, nodePorts bool, others ...uint32) (int, error) {
	return n.flows.live(mark, nodePorts, others...)
}

func (n *notes) RoutingMarks() ([]uint32, error) { return slices.Clone(n.marks), nil }

func (n *notes) AddRouting(mark uint32) error {
	if !slices.Contains(n.marks, mark) {
		n.marks = append(n.marks, mark)
		n.routing = append(n.routing, "ip rule add "+routingRule(mark))
	}
	return nil
}

// CheckRouting finds nothing: nobody else changes notes.
func (n *notes) CheckRouting(...uint32) (missing, others []uint32, err error) { return nil, nil, nil }

func (n *notes) PruneRouting(keep ...uint32) error {
	n.marks = slices.DeleteFunc(n.marks, func(mark uint32) bool {
		gone := !slices.Contains(keep, mark)
		if gone {
			n.routing = append(n.routing, "ip rule delete "+routingRule(mark))
		}
		return gone
	})
	return nil
}

func routingRule(mark uint32) string {
	return fmt.Sprintf("fwmark %#x/%#x lookup main priority %d protocol %d", mark, mark, dataplane.RoutingPriority, dataplane.RoutingProtocol)
}

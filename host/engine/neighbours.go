package engine

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/snatd/snatd/host/neighbour"
)

// neighbours looks for what else translates on the node, beside the loop: reading all
// rules of a node with thousands of Services takes a tenth of a second.
type neighbours struct {
	log   *slog.Logger
	state func() *State
	tell  func(neighbour.Finding)
	found atomic.Pointer[[]neighbour.Finding]
	// unseen is why not everything could be seen at the last look; empty if it could.
	unseen string
	// wake has it look at once.
	wake chan struct{}
}

// lookEvery is the pause between two looks, and lookSoon that after wake, which events
// that come together share.
const (
	lookEvery = time.Minute
	lookSoon  = time.Second
)

// newNeighbours tells of what is new beside the log.
func newNeighbours(log *slog.Logger, state func() *State, tell func(neighbour.Finding)) *neighbours {
	return &neighbours{log: log, state: state, tell: tell, wake: make(chan struct{}, 1)}
}

// look asks for a look soon.
func (n *neighbours) look() {
	select {
	case n.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// run looks until ctx ends.
func (n *neighbours) run(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
			pause.Reset(lookSoon)
		case <-pause.C:
			n.once()
			pause.Reset(lookEvery)
		}
	}
}

func (n *neighbours) once() {
	state := n.state()
	if state.Result == nil || state.Result.Ruleset == nil {
		return
	}
	network := state.Result.Network
	node := neighbour.Node{Mark: network.Mark, PrimaryInterface: network.PrimaryInterface, PodInterfaces: network.PodInterfaces, Pods: state.Result.pods()}
	found, err := neighbour.Look(node)
	n.miss(err)
	n.report(found)
	n.found.Store(&found)
}

// miss logs why not everything can be seen, once while that stays so.
func (n *neighbours) miss(why error) {
	before := n.unseen
	if n.unseen = ""; why != nil {
		n.unseen = why.Error()
	}
	if n.unseen != "" && n.unseen != before {
		n.log.Warn("what else translates on the node cannot all be seen", "error", why)
	}
}

// report logs what is new and what is gone.
func (n *neighbours) report(now []neighbour.Finding) {
	before := n.findings()
	for _, f := range missing(before, now) {
		n.log.Warn("another program gets in the way", "kind", f.Kind, "what", f.String(), "fix", f.Fix)
		n.tell(f)
	}
	for _, f := range missing(now, before) {
		n.log.Info("no longer in the way", "kind", f.Kind, "what", f.Message)
	}
}

// missing are those of some findings that are not among others.
func missing(others, of []neighbour.Finding) []neighbour.Finding {
	return slices.DeleteFunc(slices.Clone(of), func(f neighbour.Finding) bool { return slices.ContainsFunc(others, f.Same) })
}

func (n *neighbours) findings() []neighbour.Finding {
	if found := n.found.Load(); found != nil {
		return *found
	}
	return nil
}

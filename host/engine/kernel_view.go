package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// lookups are what an explanation needs of the dataplane.
type lookups interface {
	LookUp(table string, src, dst netip.Addr) (*nft.Table, error)
	CheckRouting(marks ...uint32) (missing, others []uint32, err error)
}

// A change may be under way while the kernel is asked, so that it is asked again before it
// is said to disagree.
const (
	kernelTries = 5
	kernelPause = 20 * time.Millisecond
)

// Explain answers for connections from a pod ("namespace/name") or an IPv4 address to an
// IPv4 address, by the result that the kernel should hold, with what it does hold. It may
// be called by others than the one who runs the engine.
func (e *Engine) Explain(from, to string) (Explanation, error) {
	return explainHeld(e.State, from, to, e.dataplane)
}

func explainHeld(state func() *State, from, to string, kernel lookups) (explanation Explanation, err error) {
	for try := range kernelTries {
		if try > 0 {
			time.Sleep(kernelPause)
		}
		s := state()
		if explanation, err = s.Explain(from, to); err != nil || explanation.Class == "" {
			return explanation, err
		}
		explanation.Kernel = s.held(explanation, kernel)
		if explanation.Kernel.Agrees || explanation.Kernel.Error != "" {
			break
		}
	}
	return explanation, err
}

// held looks up in the kernel what the packets of an explanation meet.
func (s *State) held(e Explanation, kernel lookups) *Kernel {
	_, src, err := s.Result.find(e.From)
	if err != nil {
		return &Kernel{Error: err.Error()}
	}
	to := e.To
	if e.Service != nil && e.Service.Endpoint != "" {
		to = e.Service.Endpoint
	}
	dst, err := netip.ParseAddr(to)
	if err != nil {
		return &Kernel{Error: err.Error()}
	}
	held, err := kernel.LookUp(rules.TableName, src, dst)
	if err != nil {
		return &Kernel{Error: err.Error()}
	}
	want := s.Ruleset.Met(src, dst)
	plan := nft.Diff(held.Part(want), want.Part(want))
	k := &Kernel{Agrees: len(plan) == 0, Differences: differences(plan)}
	// What rules of others do is not understood; without any nothing is translated.
	if understood, _ := rules.FromTable(held); held == nil || understood != nil && !slices.ContainsFunc(plan, notOfElements) {
		k.Action = understood.Lookup(src, dst).Action
		k.Source = understood.Seen(src, dst).String()
	}
	if e.Action != rules.Translate {
		return k
	}
	missing, _, err := kernel.CheckRouting(s.Ruleset.Network.Mark)
	if err != nil {
		return &Kernel{Error: err.Error()}
	}
	for _, mark := range missing {
		k.Agrees, k.Differences = false, append(k.Differences, fmt.Sprintf("the ip rule %s is missing", routingRule(mark)))
	}
	return k
}

func notOfElements(op nft.Op) bool {
	switch op.(type) {
	case nft.AddElements, nft.DeleteElements:
		return false
	}
	return true
}

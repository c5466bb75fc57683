package engine

import (
	"cmp"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/config"
)

// Held is a change beyond what the guard lets through, which waits for an operator's word.
type Held struct {
	// Ruleset is the digest of what waits: who approves that approves nothing else.
	Ruleset string `json:"ruleset"`
	// Since is when something was first held; zero in a plan.
	Since time.Time `json:"since,omitzero"`
	// Because says what differs in what the rules follow from; empty in a plan.
	Because string `json:"because,omitempty"`
	// Subjects are how many of those that are known would be decided otherwise for, Of so
	// many. Largest is for whom about most destinations.
	Subjects int    `json:"subjects"`
	Of       int    `json:"of"`
	Largest  Change `json:"largest"`
	// Limit is what it is beyond, by its key in the configuration.
	Limit string `json:"limit"`
	// External is snat.external, as what is in force has it.
	External bool `json:"external"`
}

// String gives it in one line.
func (h Held) String() string {
	why := ""
	if h.Because != "" {
		why = ", because " + h.Because
	}
	return fmt.Sprintf("ruleset %.12s decides otherwise for %d of %d subjects, most for %s (%d addresses, %.3g%% of all)%s: beyond %s",
		h.Ruleset, h.Subjects, h.Of, h.Largest.Subject, h.Largest.Addresses, 100*h.Largest.Share, why, h.Limit)
}

// beyond says what a result is held for where something is installed; nil if it is not.
// Subjects that come or go are no change for anybody who relies on what was decided.
func (in Installed) beyond(after *Result) *Held {
	most := after.inputs.Config.Guard.MaxChange
	switch {
	case most == config.MaxChange{Pods: 1, Addresses: 1}:
		return nil
	case in.Ruleset == nil || in.Ruleset.Node == "" || after.Ruleset == nil:
		return nil // nothing to compare: the first rules, and an IPv6 cluster
	case in.External != after.Snapshot.External && !in.Holding:
		return nil // the operator says so; with what is held already it would let that through
	}
	known := map[Subject]bool{}
	for _, s := range in.Subjects {
		known[s] = true
	}
	var both []Subject
	for _, s := range after.subjects() {
		if known[s] {
			both = append(both, s)
		}
	}
	changes := changesFor(in.Ruleset, after.Ruleset, both)
	held := &Held{Subjects: len(changes), Of: len(both), Largest: largest(changes), External: in.External}
	held.Limit = cmp.Or(
		exceeded("guard.maxChange.pods", float64(held.Subjects)/float64(held.Of), most.Pods),
		exceeded("guard.maxChange.addresses", held.Largest.Share, most.Addresses))
	if held.Limit == "" {
		return nil
	}
	held.Ruleset = after.Ruleset.Digest()
	return held
}

func exceeded(key string, share float64, most config.Share) string {
	if share <= float64(most) {
		return ""
	}
	return fmt.Sprintf("%s: %s", key, most)
}

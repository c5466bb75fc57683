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
	// Unclear says that the rules in the kernel, behind which the run before held a change, are
	// not as this version makes them. Nobody can say then what would change: there are no
	// numbers and no limit.
	Unclear bool `json:"unclear,omitempty"`
	// External is snat.external, as what is in force has it.
	External bool `json:"external"`
}

// String gives it in one line.
func (h Held) String() string {
	if h.Unclear {
		return fmt.Sprintf("ruleset %.12s%s: %s", h.Ruleset, h.why(), h.reason())
	}
	return fmt.Sprintf("ruleset %.12s decides otherwise for %d of %d subjects, most for %s (%d addresses, %.3g%% of all)%s: %s",
		h.Ruleset, h.Subjects, h.Of, h.Largest.Subject, h.Largest.Addresses, 100*h.Largest.Share, h.why(), h.reason())
}

// why ends a sentence with what differs, if that is known.
func (h Held) why() string {
	if h.Because == "" {
		return ""
	}
	return ", because " + h.Because
}

// reason is what it is held for.
func (h Held) reason() string {
	if h.Unclear {
		return "what it changes is not known, because the rules in the kernel are not as this version makes them"
	}
	return "beyond " + h.Limit
}

// lost says that the rules are gone that it was held behind. A note that cannot be read knows
// no ruleset.
func (h Held) lost() error {
	what := "a change"
	if h.Ruleset != "" {
		what = fmt.Sprintf("ruleset %.12s", h.Ruleset)
	}
	return fmt.Errorf("what the facts demand is in force without approval: the rules before it are gone, behind which %s was held since %s%s",
		what, h.Since.UTC().Format(time.RFC3339), h.why())
}

// unlimited says whether nothing is beyond the limits of a configuration.
func unlimited(cfg config.Config) bool {
	return cfg.Guard.MaxChange == config.MaxChange{Pods: 1, Addresses: 1}
}

// beyond says what a result is held for where something is installed; nil if it is not.
// Subjects that come or go are no change for anybody who relies on what was decided.
func (in Installed) beyond(after *Result) *Held {
	most := after.inputs.Config.Guard.MaxChange
	switch {
	case unlimited(after.inputs.Config) || after.Ruleset == nil: // which an IPv6 cluster has not
		return nil
	case in.Unclear:
		return &Held{Ruleset: after.Ruleset.Digest(), External: in.External, Unclear: true}
	case in.Ruleset == nil || in.Ruleset.Node == "":
		return nil // nothing to compare: the first rules
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

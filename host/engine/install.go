package engine

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// kernel is what installing needs of the dataplane.
type kernel interface {
	Apply(plan nft.Plan) error
	Read(table string) (*nft.Table, error)
	Protect(table string) (dataplane.Protection, error)
	LiveTranslations(mark uint32) (int, error)
	RoutingMarks() ([]uint32, error)
	AddRouting(mark uint32) error
	CheckRouting(marks ...uint32) (missing, others []uint32, err error)
	PruneRouting(keep ...uint32) error
}

// installer brings rulesets into the kernel and remembers what it holds.
type installer struct {
	kernel kernel
	log    *slog.Logger
	// applied is told how long each change took; nil for nobody.
	applied func(time.Duration)
	// holds is what the kernel holds, or held before a transaction was refused: then,
	// and before the first, it is not known.
	holds *rules.Ruleset
	known bool
	// changes counts the plans that were applied, the last of which was at.
	changes uint64
	at      time.Time
	// operations counts those on the kernel's objects.
	operations int
	// kept is how many live connections need something of earlier rules.
	kept int
	// replaced is what decided before the changes since takeReplaced: what is remembered,
	// whatever others left of it, or else what was found; nil if there was nothing.
	replaced *rules.Ruleset
	// why says why rules are changed, for the log; nil where nobody wants other ones.
	why func() string
	// counters reads what is counted; nil for nobody who asks.
	counters *counting
	// protect has the table be ours alone where the kernel can, and whose is what the
	// kernel said of that; empty if that may be something else by now.
	protect bool
	whose   dataplane.Protection
	// mistaken counts plans in a row that did not fit what the kernel held, although
	// they were made from what it had just said.
	mistaken int
}

// install brings a ruleset into the kernel, and says whether that changed it.
func (i *installer) install(ruleset *rules.Ruleset) (changed bool, err error) {
	from, err := i.origin()
	if err != nil {
		return false, err
	}
	mark := ruleset.Network.Mark
	earlier, err := i.earlierMarks(from, mark)
	if err != nil {
		return false, err
	}
	if len(earlier) > 0 {
		ruleset = ruleset.WithEarlierMarks(earlier)
	}
	// A packet that is marked must find its route, so the rule comes first, and
	// those of earlier marks go last.
	for _, m := range append([]uint32{mark}, earlier...) {
		if err := i.kernel.AddRouting(m); err != nil {
			return false, err
		}
	}
	changed, err = i.bring(ruleset, from)
	if err != nil {
		return false, err
	}
	return changed, i.kernel.PruneRouting(append(earlier, mark)...)
}

// earlierMarks lists the marks that snatd used before and that translated
// connections still carry.
func (i *installer) earlierMarks(from origin, mark uint32) ([]uint32, error) {
	marks, err := i.knownMarks(from)
	if err != nil {
		return nil, err
	}
	return i.liveMarks(slices.DeleteFunc(marks, func(m uint32) bool { return m == mark }))
}

// liveMarks are those that translated connections carry, of which it takes note.
func (i *installer) liveMarks(marks []uint32) (alive []uint32, err error) {
	i.kept = 0
	for _, mark := range marks {
		live, err := i.kernel.LiveTranslations(mark)
		if err != nil {
			return nil, err
		}
		if live > 0 {
			i.kept += live
			alive = append(alive, mark)
		}
	}
	return alive, nil
}

// knownMarks are those of the routing rules and of the table, over restarts too: others may
// have removed either.
func (i *installer) knownMarks(from origin) ([]uint32, error) {
	marks, err := i.kernel.RoutingMarks()
	if err != nil {
		return nil, err
	}
	marks = slices.Concat(marks, marksOf(from.ruleset), marksOf(i.holds))
	slices.Sort(marks)
	return slices.DeleteFunc(slices.Compact(marks), func(m uint32) bool { return m == 0 }), nil
}

// marksOf are the marks that a ruleset restores and routes by; none for nil.
func marksOf(r *rules.Ruleset) []uint32 {
	if r == nil {
		return nil
	}
	return append([]uint32{r.Network.Mark}, r.Network.EarlierMarks...)
}

// bring makes the kernel hold a ruleset, by the smallest change. If the kernel holds
// something else than is remembered, it is read at once; whatever else is refused is
// read and tried again when the caller asks for it.
func (i *installer) bring(ruleset *rules.Ruleset, from origin) (changed bool, err error) {
	if i.known {
		changed, err = i.apply(from.plan(ruleset), from.ruleset)
		if err == nil || !outOfStep(err) {
			return changed, err
		}
		i.log.Warn("the kernel refused a change; reading what it holds", "error", err)
		if from, err = i.origin(); err != nil {
			return false, err
		}
	}
	switch changed, err = i.apply(from.plan(ruleset), from.ruleset); {
	case err == nil:
		i.mistaken = 0
	case errors.Is(err, dataplane.ErrOutOfStep), errors.Is(err, dataplane.ErrUnsupported), errors.Is(err, dataplane.ErrRefused):
		i.mistaken++
	}
	return changed, err
}

// outOfStep says whether an error is about a kernel that holds something else than is
// remembered, or may do so.
func outOfStep(err error) bool {
	return errors.Is(err, dataplane.ErrOutOfStep) || errors.Is(err, dataplane.ErrInDoubt) || errors.Is(err, dataplane.ErrInterrupted)
}

// apply applies a plan, and says whether that changed anything. What was found in the
// kernel before is nil if it is not known.
func (i *installer) apply(plan rules.Plan, found *rules.Ruleset) (changed bool, err error) {
	if len(plan.Ops) > 0 {
		if i.counters != nil && plan.Ops.EndsCounters() {
			if _, err := i.counters.totals(); err != nil {
				i.log.Warn("what counters counted is lost with them", "error", err)
			}
		}
		start := time.Now()
		if err := i.kernel.Apply(plan.Ops); err != nil {
			i.known, i.whose = false, ""
			return false, err
		}
		took := time.Since(start)
		i.changes++
		i.operations += len(plan.Ops)
		i.at = time.Now()
		if remakes(plan.Ops) {
			i.whose = ""
		}
		if i.applied != nil {
			i.applied(took)
		}
		i.logChange(plan, took)
		if plan.After != i.holds { // else it puts right what others did
			i.replaced = cmp.Or(i.replaced, i.holds, found)
		}
	}
	i.holds, i.known = plan.After, true
	return len(plan.Ops) > 0, nil
}

func (i *installer) logChange(plan rules.Plan, took time.Duration) {
	if plan.After == nil || plan.After.Node == "" {
		return // who removes says so
	}
	why := "others changed them"
	if i.why != nil {
		why = i.why()
	}
	i.log.Info("rules changed", "operations", len(plan.Ops), "classes", len(plan.After.Classes),
		"pods", len(plan.After.Pods), "ruleset", plan.After.Digest()[:12], "duration", took, "because", why)
}

// publish adds what was done to the kernel to a state.
func (i *installer) publish(state *State) {
	state.Changes, state.Applied, state.Kept = i.changes, i.at, i.kept
}

// takeReplaced returns what the changes since the last call replaced; nil if nothing was
// changed.
func (i *installer) takeReplaced() *rules.Ruleset {
	replaced := i.replaced
	i.replaced = nil
	return replaced
}

// waits says whether something stays only for connections that will end.
func (i *installer) waits() bool {
	return i.drains() || i.known && i.holds != nil && len(i.holds.Network.EarlierMarks) > 0
}

// drains says whether the kernel holds only what live connections need.
func (i *installer) drains() bool { return i.known && i.holds != nil && i.holds.Node == "" }

// empty says whether the kernel is known to hold nothing.
func (i *installer) empty() bool { return i.known && i.holds == nil }

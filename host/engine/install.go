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
	PruneRouting(keep ...uint32) error
}

// installer brings rulesets into the kernel and remembers what it holds.
type installer struct {
	kernel kernel
	log    *slog.Logger
	// applied is told how long a transaction took; nil for nobody.
	applied func(time.Duration)
	// holds is what the kernel holds; it is not known before the first
	// transaction and after a refused one.
	holds *rules.Ruleset
	known bool
	// replaced is what the changes since takeReplaced replaced, as far as that could be
	// understood; nil if there was nothing.
	replaced *rules.Ruleset
	// counters reads what is counted; nil for nobody who asks.
	counters *counting
	// protect has the table be ours alone where the kernel can.
	protect bool
	// mistaken counts plans in a row that did not fit what the kernel held, although
	// they were made from what it had just said.
	mistaken int
}

// install brings a ruleset into the kernel, and says whether that changed it.
func (i *installer) install(ruleset *rules.Ruleset) (changed bool, err error) {
	mark := ruleset.Network.Mark
	earlier, err := i.earlierMarks(mark)
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
	changed, err = i.bring(ruleset)
	if err != nil {
		return false, err
	}
	return changed, i.kernel.PruneRouting(append(earlier, mark)...)
}

// earlierMarks lists the marks that snatd used before and that translated
// connections still carry.
func (i *installer) earlierMarks(mark uint32) ([]uint32, error) {
	marks, err := i.knownMarks()
	if err != nil {
		return nil, err
	}
	var earlier []uint32
	for _, m := range marks {
		if m == mark {
			continue
		}
		live, err := i.kernel.LiveTranslations(m)
		if err != nil {
			return nil, err
		}
		if live > 0 {
			earlier = append(earlier, m)
		}
	}
	return earlier, nil
}

// knownMarks are those of the routing rules and of the table, over restarts too: others may
// have removed either.
func (i *installer) knownMarks() ([]uint32, error) {
	marks, err := i.kernel.RoutingMarks()
	if err != nil {
		return nil, err
	}
	holds := i.holds
	if !i.known && i.mistaken < mostMistakes { // else all is replaced, whatever it is
		held, err := i.read()
		if err != nil {
			return nil, err
		}
		holds, _ = rules.FromTable(held)
	}
	if holds != nil {
		marks = append(append(marks, holds.Network.Mark), holds.Network.EarlierMarks...)
	}
	slices.Sort(marks)
	return slices.DeleteFunc(slices.Compact(marks), func(m uint32) bool { return m == 0 }), nil
}

// bring makes the kernel hold a ruleset, by the smallest change. If the kernel holds
// something else than is remembered, it is read at once; whatever else is refused is
// read and tried again when the caller asks for it.
func (i *installer) bring(ruleset *rules.Ruleset) (changed bool, err error) {
	if i.known {
		changed, err = i.apply(rules.Diff(i.holds, ruleset), i.holds)
		if err == nil || !outOfStep(err) {
			return changed, err
		}
		i.log.Warn("the kernel refused a change; reading what it holds", "error", err)
	}
	plan, before, err := i.plan(ruleset)
	if err != nil {
		return false, err
	}
	switch changed, err = i.apply(plan, before); {
	case err == nil:
		i.mistaken = 0
	case errors.Is(err, dataplane.ErrOutOfStep), errors.Is(err, dataplane.ErrUnsupported), errors.Is(err, dataplane.ErrRefused):
		i.mistaken++
	}
	return changed, err
}

// mostMistakes is how many plans in a row may be refused before all is replaced, which
// fits whatever the kernel holds: one can meet another program's change.
const mostMistakes = 2

// plan is one from what the kernel holds, whoever left it so, which is returned too as
// far as it can be understood; nil if there is nothing.
func (i *installer) plan(ruleset *rules.Ruleset) (plan rules.Plan, before *rules.Ruleset, err error) {
	if i.mistaken >= mostMistakes {
		i.mistaken = 0
		return rules.Replace(ruleset), nil, nil
	}
	held, err := i.read()
	if err != nil {
		return rules.Plan{}, nil, err
	}
	before, _ = rules.FromTable(held)
	return rules.Continue(held, ruleset), before, nil
}

// errOwned passes: two runs overlap for a moment when one follows the other.
var errOwned = errors.New("the table ip " + rules.TableName + " is owned by another process, which alone can change it; accepted: no other snatd in this network namespace")

// read is what the kernel holds. What an earlier run left is made our own first: nobody
// can change it then between the reading and the plan that follows from it.
func (i *installer) read() (*nft.Table, error) {
	if i.protect {
		protection, err := i.kernel.Protect(rules.TableName)
		if err != nil {
			return nil, err
		}
		if protection == dataplane.OwnedByOther {
			return nil, errOwned
		}
	}
	return i.kernel.Read(rules.TableName)
}

// outOfStep says whether an error is about a kernel that holds something else than is
// remembered, or may do so.
func outOfStep(err error) bool {
	return errors.Is(err, dataplane.ErrOutOfStep) || errors.Is(err, dataplane.ErrInDoubt) || errors.Is(err, dataplane.ErrInterrupted)
}

// apply applies a plan, and says whether that changed anything. What the kernel held
// before is nil if it is not known.
func (i *installer) apply(plan rules.Plan, before *rules.Ruleset) (changed bool, err error) {
	if len(plan.Ops) > 0 {
		if i.counters != nil && plan.Ops.EndsCounters() {
			if _, err := i.counters.totals(); err != nil {
				i.log.Warn("what counters counted is lost with them", "error", err)
			}
		}
		start := time.Now()
		if err := i.kernel.Apply(plan.Ops); err != nil {
			i.known = false
			return false, err
		}
		took := time.Since(start)
		if i.applied != nil {
			i.applied(took)
		}
		i.logChange(plan, took)
		i.replaced = cmp.Or(i.replaced, before)
	}
	i.holds, i.known = plan.After, true
	return len(plan.Ops) > 0, nil
}

func (i *installer) logChange(plan rules.Plan, took time.Duration) {
	if plan.After == nil || plan.After.Node == "" {
		return // who removes says so
	}
	i.log.Info("rules changed", "operations", len(plan.Ops), "classes", len(plan.After.Classes),
		"pods", len(plan.After.Pods), "ruleset", plan.After.Digest()[:12], "duration", took)
}

// Removed says what removing did.
type Removed struct {
	// Changed is false if the kernel held nothing to remove, or nothing but what live
	// connections need.
	Changed bool
	// Live is the number of translated connections that still need what is
	// left: the marks, the NAT hook and the routing rule.
	Live int
}

// remove removes what snatd put into the kernel. While translated connections
// live, what they need stays and translates nothing new: deleting the last nat
// chain would break them, and so would losing their route. The marks are those
// of the routing rules, and the network's unless it is zero: it may be configured
// otherwise by now.
func (i *installer) remove(network rules.Network) (Removed, error) {
	held, err := i.kernel.Read(rules.TableName)
	if err != nil {
		return Removed{}, err
	}
	exists := held != nil
	marks, err := i.knownMarks()
	if err != nil {
		return Removed{}, err
	}
	removed := Removed{Changed: exists || len(marks) > 0}
	if exists && network.Mark != 0 && !slices.Contains(marks, network.Mark) {
		marks = append(marks, network.Mark) // somebody else may have removed its rule
	}
	var needed []uint32
	for _, mark := range marks {
		live, err := i.kernel.LiveTranslations(mark)
		if err != nil {
			return Removed{}, err
		}
		if live > 0 {
			removed.Live += live
			needed = append(needed, mark)
		}
	}
	switch {
	case removed.Live > 0:
		network.Mark, network.EarlierMarks = needed[0], needed[1:]
		for _, mark := range needed {
			if err := i.kernel.AddRouting(mark); err != nil {
				return Removed{}, err
			}
		}
		removed.Changed, err = i.bring(rules.Draining(network))
		if err != nil {
			return Removed{}, err
		}
		return removed, i.kernel.PruneRouting(needed...)
	case exists:
		if _, err := i.apply(rules.Replace(nil), nil); err != nil {
			return Removed{}, err
		}
	}
	i.holds, i.known = nil, true
	return removed, i.kernel.PruneRouting()
}

// takeReplaced returns what the changes since the last call replaced; nil if nothing was
// changed.
func (i *installer) takeReplaced() *rules.Ruleset {
	replaced := i.replaced
	i.replaced = nil
	return replaced
}

// routeLost says whether somebody else has removed the routing rule that
// translated packets need.
func (i *installer) routeLost() bool {
	if !i.known || i.holds == nil {
		return false
	}
	lost, err := i.lostMarks()
	return err == nil && len(lost) > 0
}

// waits says whether something stays only for connections that will end.
func (i *installer) waits() bool {
	return i.drains() || i.known && i.holds != nil && len(i.holds.Network.EarlierMarks) > 0
}

// drains says whether the kernel holds only what live connections need.
func (i *installer) drains() bool { return i.known && i.holds != nil && i.holds.Node == "" }

// empty says whether the kernel is known to hold nothing.
func (i *installer) empty() bool { return i.known && i.holds == nil }

// protection says who can change what the kernel holds.
func (e *Engine) protection() (dataplane.Protection, error) {
	if !e.installer.protect {
		return dataplane.Unprotected, nil
	}
	return e.dataplane.Protection(rules.TableName)
}

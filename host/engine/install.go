package engine

import (
	"log/slog"
	"slices"
	"time"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// kernel is what installing needs of the dataplane.
type kernel interface {
	Apply(plan nft.Plan) error
	Exists(table string) (bool, error)
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
	if err := i.kernel.AddRouting(mark); err != nil {
		return false, err
	}
	plan := rules.Replace(ruleset)
	if i.known {
		plan = rules.Diff(i.holds, ruleset)
	}
	if len(plan.Ops) > 0 {
		start := time.Now()
		if err := i.apply(plan); err != nil {
			return false, err
		}
		i.log.Info("rules changed", "operations", len(plan.Ops), "classes", len(plan.After.Classes),
			"pods", len(plan.After.Pods), "ruleset", plan.After.Digest()[:12], "duration", time.Since(start))
	}
	i.holds = plan.After
	return len(plan.Ops) > 0, i.kernel.PruneRouting(append(earlier, mark)...)
}

// earlierMarks lists the marks that snatd used before and that translated
// connections still carry. The routing rules remember them, over restarts too.
func (i *installer) earlierMarks(mark uint32) ([]uint32, error) {
	marks, err := i.kernel.RoutingMarks()
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

func (i *installer) apply(plan rules.Plan) error {
	start := time.Now()
	if err := i.kernel.Apply(plan.Ops); err != nil {
		i.known = false
		return err
	}
	if i.applied != nil {
		i.applied(time.Since(start))
	}
	i.holds, i.known = plan.After, true
	return nil
}

// Removed says what removing did.
type Removed struct {
	// Changed is false if the kernel held nothing to remove.
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
	exists, err := i.kernel.Exists(rules.TableName)
	if err != nil {
		return Removed{}, err
	}
	marks, err := i.kernel.RoutingMarks()
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
	case removed.Live > 0 && i.drains():
		return Removed{Live: removed.Live}, nil
	case removed.Live > 0:
		network.Mark, network.EarlierMarks = needed[0], needed[1:]
		for _, mark := range needed {
			if err := i.kernel.AddRouting(mark); err != nil {
				return Removed{}, err
			}
		}
		if err := i.apply(rules.Replace(rules.Draining(network))); err != nil {
			return Removed{}, err
		}
		return removed, i.kernel.PruneRouting(needed...)
	case exists:
		if err := i.apply(rules.Replace(nil)); err != nil {
			return Removed{}, err
		}
	}
	i.holds, i.known = nil, true
	return removed, i.kernel.PruneRouting()
}

// routeLost says whether somebody else has removed the routing rule that
// translated packets need.
func (i *installer) routeLost() bool {
	if !i.known || i.holds == nil {
		return false
	}
	marks, err := i.kernel.RoutingMarks()
	return err == nil && !slices.Contains(marks, i.holds.Network.Mark)
}

// waits says whether something stays only for connections that will end.
func (i *installer) waits() bool {
	return i.drains() || i.known && i.holds != nil && len(i.holds.Network.EarlierMarks) > 0
}

// drains says whether the kernel holds only what live connections need.
func (i *installer) drains() bool { return i.known && i.holds != nil && i.holds.Node == "" }

// empty says whether the kernel is known to hold nothing.
func (i *installer) empty() bool { return i.known && i.holds == nil }

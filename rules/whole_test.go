package rules_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
	"github.com/snatd/snatd/rules/oracle"
)

// TestEveryPhaseIsWhole takes nodes through random changes. A daemon may be killed between
// any two transactions: what the kernel holds then decides all packets as the ruleset before
// does, or all as the one after.
func TestEveryPhaseIsWhole(t *testing.T) {
	r := random(t)
	for range 40 {
		w := newWorld(r)
		var held *rules.Ruleset
		var old []netip.Addr // destinations where an answer of held could change
		for range 30 {
			for range 1 + r.IntN(3) {
				w.change()
			}
			node, pods := w.subjects()
			wanted := mustCompile(t, w.network, node, pods...)
			plan := step(r, held, wanted)
			boundaries := oracle.New(w.network, node, pods).Boundaries()
			if held != nil {
				whole(t, held, plan, append(old, boundaries...))
			}
			held, old = plan.After, boundaries
		}
	}
}

// The next start is killed too, in the plan that leads on from what the first kill left, also
// where that is no ruleset that can be understood.
func TestEveryPhaseAfterAKillIsWhole(t *testing.T) {
	r := random(t)
	inexact := 0
	for range 15 {
		w := newWorld(r)
		var held *rules.Ruleset
		var old []netip.Addr
		for range 30 {
			for range 1 + r.IntN(3) {
				w.change()
			}
			node, pods := w.subjects()
			plan := rules.Diff(held, mustCompile(t, w.network, node, pods...))
			boundaries := oracle.New(w.network, node, pods).Boundaries()
			if phases := plan.Ops.Phases(); held != nil && len(phases) > 1 {
				table := held.Table()
				for _, phase := range phases[:1+r.IntN(len(phases)-1)] {
					var err error
					if table, err = nfttest.Apply(table, phase); err != nil {
						t.Fatalf("%v, in\n%s", err, phase)
					}
				}
				if _, exact := rules.FromTable(table); !exact {
					inexact++
				}
				if r.IntN(2) == 0 { // the facts are others by then
					w.change()
				}
				node, pods = w.subjects()
				again := rules.Continue(table, mustCompile(t, w.network, node, pods...))
				boundaries = append(boundaries, oracle.New(w.network, node, pods).Boundaries()...)
				wholeFrom(t, table, members(held), again, append(old, boundaries...))
				plan = again
			}
			held, old = plan.After, boundaries
		}
	}
	if inexact == 0 {
		t.Error("every kill left a ruleset, the test is void")
	}
}

// whole applies a plan phase by phase.
func whole(t *testing.T, held *rules.Ruleset, plan rules.Plan, destinations []netip.Addr) {
	t.Helper()
	wholeFrom(t, held.Table(), members(held), plan, destinations)
}

func wholeFrom(t *testing.T, table *nft.Table, sources []netip.Addr, plan rules.Plan, destinations []netip.Addr) {
	t.Helper()
	sources = append(sources, addr("10.0.1.200"))
	if plan.After != nil {
		sources = append(sources, members(plan.After)...)
	}
	view := func(table *nft.Table) (all []netip.Addr) {
		for _, src := range sources {
			for _, dst := range destinations {
				all = append(all, seen(table, nfttest.Packet{In: "eni1", Out: "eth0", Src: src, Dst: dst}))
			}
		}
		return all
	}
	was, is := view(table), view(plan.After.Table())
	for i, phase := range plan.Ops.Phases() {
		next, err := nfttest.Apply(table, phase)
		if err != nil {
			t.Fatalf("%v, in\n%s", err, phase)
		}
		table = next
		if now := view(table); !slices.Equal(now, was) && !slices.Equal(now, is) {
			t.Fatalf("after phase %d of\n%s\nthe table decides neither as before nor as after:\n%s", i, plan.Ops, table)
		}
	}
}

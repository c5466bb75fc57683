package rules_test

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
	"github.com/snatd/snatd/rules/oracle"
)

var seed = flag.Uint64("seed", 0, "seed of the random histories; 0 is another one each time")

func random(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("to see this again: go test ./rules -run '^%s$' -seed %d", t.Name(), s)
	return rand.New(rand.NewPCG(s, 0))
}

// TestHistories takes nodes through random changes, from plan to plan, and holds
// what the kernel then has against the decisions.
func TestHistories(t *testing.T) {
	r := random(t)
	for range 25 {
		w := newWorld(r)
		var held *rules.Ruleset
		var kernel *nft.Table
		for range 30 {
			w.change()
			node, pods := w.subjects()
			wanted := mustCompile(t, w.network, node, pods...)
			o := oracle.New(w.network, node, pods)
			compare(t, o, wanted)

			plan := step(r, held, wanted)
			table, err := nfttest.Apply(kernel, plan.Ops)
			if err != nil {
				t.Fatalf("%v, in\n%s", err, plan.Ops)
			}
			if d := diffTables(plan.After.Table(), table); d != "" {
				t.Fatalf("the kernel does not hold what the plan promises: %s", d)
			}
			held, kernel = plan.After, table
			if held == nil || held.Node == "" {
				continue
			}
			if held.Digest() != wanted.Digest() {
				t.Fatalf("got\n%swant\n%s", held.Table(), wanted.Table())
			}
			if again := rules.Diff(held, wanted); len(again.Ops) > 0 {
				t.Fatalf("what is there is changed again:\n%s", again.Ops)
			}
			compare(t, o, held)
			passPackets(t, o, held, kernel)
		}
	}
}

// step is mostly a difference, and at times what happens around a restart.
func step(r *rand.Rand, held, wanted *rules.Ruleset) rules.Plan {
	switch r.IntN(16) {
	case 0:
		return rules.Replace(wanted)
	case 1:
		return rules.Diff(held, nil)
	case 2:
		return rules.Diff(held, rules.Draining(wanted.Network))
	}
	return rules.Diff(held, wanted)
}

// sources are the pods and an address that is no pod's.
func sources(o *oracle.Oracle) []netip.Addr {
	return append([]netip.Addr{addr("10.0.1.200")}, o.Pods...)
}

// compare asks the compiled ruleset and the oracle about every destination
// where an answer could change.
func compare(t *testing.T, o *oracle.Oracle, r *rules.Ruleset) {
	t.Helper()
	for _, dst := range o.Boundaries() {
		for _, src := range sources(o) {
			if got, want := r.Lookup(src, dst), o.Lookup(src, dst); got != want {
				t.Fatalf("%s to %s: %s, want %s, in\n%s", src, dst, got, want, r.Table())
			}
		}
	}
}

// passPackets sends first packets through the table that the kernel holds.
func passPackets(t *testing.T, o *oracle.Oracle, r *rules.Ruleset, table *nft.Table) {
	t.Helper()
	for _, dst := range o.Boundaries() {
		for _, src := range sources(o) {
			p := nfttest.Prerouting(table, nfttest.Packet{In: "eni1", Src: src, Dst: dst})
			p.Out = "eth0"
			p = nfttest.Postrouting(table, p)
			var want nfttest.Packet
			outcome, module := o.Decide(src, dst)
			if outcome.Action == rules.Translate {
				want.Mark, want.ConnMark, want.TranslatedTo = r.Network.Mark, r.Network.Mark, r.Network.Primary
				if outcome.Source.IsValid() {
					want.TranslatedTo = outcome.Source
				}
			}
			if p.Mark != want.Mark || p.ConnMark != want.ConnMark || p.TranslatedTo != want.TranslatedTo {
				t.Fatalf("%s to %s: got %+v, want %+v, in\n%s", src, dst, p, want, table)
			}
			class, by, counted := rules.Counted(p.Counted)
			if decider := (rules.Decider{Module: module, Action: outcome.Action}); r.Network.Uncounted {
				if p.Counted != "" {
					t.Fatalf("%s to %s is counted by %q", src, dst, p.Counted)
				}
			} else if !counted || by != decider || class != r.ClassOf(src) {
				t.Fatalf("%s to %s: counted by %q, want one for %s of class %s, in\n%s", src, dst, p.Counted, decider, r.ClassOf(src), table)
			}
		}
	}
}

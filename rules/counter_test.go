package rules_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

func decider(module string, action rules.Action) rules.Decider {
	return rules.Decider{Module: module, Action: action}
}

// Every counter of a table says whose connections it counts, and no other name does.
func TestCounted(t *testing.T) {
	r := golden(t)["two-classes"]
	byClass := map[string][]rules.Decider{}
	for _, name := range r.Table().Counters {
		class, by, ok := rules.Counted(name)
		if !ok {
			t.Errorf("counter %s", name)
		}
		byClass[class] = append(byClass[class], by)
	}
	want := map[string][]rules.Decider{
		r.Node: {decider("default", rules.Exclude), decider("default", rules.Translate)},
		r.Pods[0].Class: {
			decider("default", rules.Exclude), decider("peer", rules.Exclude),
			decider("default", rules.Translate), decider("peer", rules.Translate),
		},
	}
	if d := cmp.Diff(want, byClass); d != "" {
		t.Error(d)
	}
	for _, name := range []string{"", "e_", "t_1", "e_1/", "c_1/default", "theirs", "x_1/default"} {
		if _, _, ok := rules.Counted(name); ok {
			t.Errorf("%q is taken for one of ours", name)
		}
	}
}

// Names of counters are short enough for the kernel and have no character that nft does
// not take, whatever modules are called; and different modules are counted apart.
func TestCounterNames(t *testing.T) {
	names := []string{
		"default", "10-allow", "A.b_c-9", "drop in", "drop/in", "a\"b", "a\nb", "ü", strings.Repeat("m", 64),
		strings.Repeat("m", 65), strings.Repeat("m", 300), strings.Repeat("m", 299) + "n", "\xff\xfe", "/",
	}
	seen := map[string]string{}
	for _, name := range names {
		r := mustCompile(t, network(), one(module(name, entries(exclude, "0.0.0.0/0"))))
		counter := r.Table().Counters[0]
		_, by, _ := rules.Counted(counter)
		if len(counter) > 15+64 || strings.Trim(by.Module, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
			t.Errorf("%q: counter %q", name, counter)
		}
		if other, taken := seen[by.Module]; taken {
			t.Errorf("%q and %q are both called %s", name, other, by.Module)
		}
		seen[by.Module] = name
		// What is read back from a kernel is compiled to the same.
		again := mustCompile(t, network(), one(module(by.Module, entries(exclude, "0.0.0.0/0"))))
		if again.Digest() != r.Digest() {
			t.Errorf("%q: another counter for %q", name, by.Module)
		}
	}
	if seen["default"] != "default" || seen["10-allow"] != "10-allow" {
		t.Errorf("names change: %q", seen)
	}
}

// A class that is edited in place keeps its counters; another module in it is one chain
// and one counter more.
func TestDiffKeepsCounters(t *testing.T) {
	before := mustCompile(t, network(), one(base))
	class := strings.TrimPrefix(before.Node, "c_")
	plan := apply(t, before, mustCompile(t, network(), []rules.Decision{peer, base}))
	wantOps(t, plan.Ops, strings.ReplaceAll(`add counter ip snatd e_CLASS/peer
add chain ip snatd e_CLASS/peer
add rule ip snatd e_CLASS/peer ct status & confirmed != confirmed counter name "e_CLASS/peer"
add rule ip snatd e_CLASS/peer accept
add element ip snatd c_CLASS { 10.9.0.0/16 : goto e_CLASS/peer }
`, "CLASS", class))
	if plan.Ops.EndsCounters() {
		t.Error("the plan is said to end counters")
	}
	back := apply(t, plan.After, before)
	wantOps(t, back.Ops, strings.ReplaceAll(`flush chain ip snatd e_CLASS/peer
delete element ip snatd c_CLASS { 10.9.0.0/16 : goto e_CLASS/peer }
delete chain ip snatd e_CLASS/peer
delete counter ip snatd e_CLASS/peer
`, "CLASS", class))
	for _, plan := range []nft.Plan{back.Ops, rules.Replace(before).Ops, rules.Diff(before, nil).Ops} {
		if !plan.EndsCounters() {
			t.Errorf("a plan is said to end no counters:\n%s", plan)
		}
	}
}

// The elements that a map has the most of go to no chain: the kernel would follow every
// way through the table whenever one is added.
func TestMostElementsGoNowhere(t *testing.T) {
	peers := module("peer", entries(exclude, "10.1.0.0/16", "10.3.0.0/16"), entries(translate, "10.0.1.0/24"))
	r := mustCompile(t, network(), []rules.Decision{peers, base})
	table := r.Table()
	i := slices.IndexFunc(table.Maps, func(m nft.Map) bool { return m.Name == r.Node })
	verdicts := map[string]int{}
	for _, e := range table.Maps[i].Elements {
		verdicts[e.Verdict.Kind]++
	}
	if d := cmp.Diff(map[string]int{"continue": 5, "goto": 3}, verdicts); d != "" {
		t.Errorf("%s, in\n%s", d, table)
	}
}

// A table of a version that counted nothing is understood, and what its pods meet on the
// way to counting is never a mix.
func TestUncountedTableIsUpgraded(t *testing.T) {
	n := network()
	n.Uncounted = true
	decided := func(n rules.Network) *rules.Ruleset {
		return mustCompile(t, n, one(base), pod("a/x", "10.0.1.1", peer, base), pod("a/y", "10.0.1.2", egress("8.0.0.0/8", "10.0.0.11"), base))
	}
	old, counted := decided(n), decided(network())
	got, exact := rules.FromTable(old.Table())
	if !exact || got.Digest() != old.Digest() {
		t.Errorf("read is\n%s", got.Table())
	}
	for _, plan := range []rules.Plan{rules.Continue(old.Table(), counted), rules.Continue(counted.Table(), old)} {
		table := old.Table()
		if len(plan.After.Table().Counters) == 0 {
			table = counted.Table()
		}
		for _, phase := range plan.Ops.Phases() {
			for src, want := range map[string]netip.Addr{"10.0.1.1": {}, "10.0.1.2": addr("10.0.0.10")} {
				p := nfttest.Packet{In: "eni1", Out: "eth0", Src: addr(src), Dst: addr("10.9.0.1")}
				if p = nfttest.Postrouting(table, nfttest.Prerouting(table, p)); p.TranslatedTo != want {
					t.Errorf("%s: source %s, want %s", src, p.TranslatedTo, want)
				}
			}
			var err error
			if table, err = nfttest.Apply(table, phase); err != nil {
				t.Fatal(err)
			}
		}
		if d := diffTables(plan.After.Table(), table); d != "" {
			t.Error(d)
		}
	}
}

func TestTally(t *testing.T) {
	count := func(n uint64) nft.Count { return nft.Count{Packets: n, Bytes: 60 * n} }
	type counts map[string]nft.Count
	excluded, translated := decider("default", rules.Exclude), decider("default", rules.Translate)
	tally := rules.NewTally(counts{"e_1/default": count(7), "t_1/default": count(2), "theirs": count(9)})
	for i, step := range []struct {
		counts
		excluded, translated uint64
	}{
		{counts{"e_1/default": count(7), "t_1/default": count(2)}, 0, 0},
		{counts{"e_1/default": count(10), "t_1/default": count(2), "theirs": count(10)}, 3, 0},
		{counts{"e_1/default": count(11), "e_2/default": count(5), "t_1/default": count(3)}, 9, 1},
		{counts{"e_2/default": count(6), "t_2/default": count(1)}, 10, 2}, // class 1 is gone
		{counts{"e_2/default": count(1), "t_2/default": count(0)}, 11, 2}, // a table in its place
		{counts{}, 11, 2},
		{counts{"e_1/default": count(4), "t_2/default": count(3)}, 15, 5},
	} {
		tally.Add(step.counts)
		want := map[rules.Decider]nft.Count{excluded: count(step.excluded), translated: count(step.translated)}
		if d := cmp.Diff(want, tally.Totals()); d != "" {
			t.Errorf("reading %d: %s", i, d)
		}
	}
	var whole rules.Tally
	whole.Add(counts{"e_1/default": count(7), "e_2/default": count(1)})
	if d := cmp.Diff(map[rules.Decider]nft.Count{excluded: count(8)}, whole.Totals()); d != "" {
		t.Error(d)
	}
}

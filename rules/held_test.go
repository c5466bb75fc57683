package rules_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

// What is read back says what was written, under all names that a history of changes
// leaves.
func TestFromTable(t *testing.T) {
	r := random(t)
	for range 10 {
		w := newWorld(r)
		var held *rules.Ruleset
		for range 30 {
			w.change()
			node, pods := w.subjects()
			wanted := mustCompile(t, w.network, node, pods...)
			held = step(r, held, wanted).After
			got, exact := rules.FromTable(held.Table())
			if d := diffTables(held.Table(), got.Table()); d != "" || !exact {
				t.Fatalf("exact %v, %s", exact, d)
			}
			if got.Digest() != held.Digest() {
				t.Fatalf("another digest: %+v\n%+v", got, held)
			}
			if held == nil {
				continue
			}
			if plan := rules.Continue(held.Table(), held); len(plan.Ops) > 0 {
				t.Fatalf("what is there is changed:\n%s", plan.Ops)
			}
			// A new process compiles the same under other names.
			if held.Node != "" {
				if plan := rules.Continue(held.Table(), wanted); len(plan.Ops) > 0 {
					t.Fatalf("a restart changes\n%s", plan.Ops)
				}
			}
		}
	}
}

// Whatever others did to the table, the plan leads to exactly what is wanted.
func TestContinueAfterDamage(t *testing.T) {
	r := random(t)
	replaced, refused, edited := 0, 0, 0
	for range 20 {
		w := newWorld(r)
		node, pods := w.subjects()
		table := mustCompile(t, w.network, node, pods...).Table()
		for range 30 {
			for range 1 + r.IntN(4) {
				table = damage(r, table)
			}
			if r.IntN(2) == 0 {
				w.change()
			}
			node, pods := w.subjects()
			wanted := mustCompile(t, w.network, node, pods...)
			plan := rules.Continue(table, wanted)
			if plan.After.Digest() != wanted.Digest() {
				t.Fatalf("the plan leads to\n%s, wanted is\n%s", plan.After.Table(), wanted.Table())
			}
			after, err := applyPhases(table, plan.Ops)
			if errors.Is(err, syscall.EOPNOTSUPP) {
				// Translation would be reached from a chain of type filter, which
				// was emptied before others led it there.
				plan, refused = rules.Replace(wanted), refused+1
				after, err = applyPhases(table, plan.Ops)
			}
			if err != nil {
				t.Fatalf("%v, in\n%s, at\n%s", err, plan.Ops, table)
			}
			table = after
			if d := diffTables(plan.After.Table(), table); d != "" {
				t.Fatalf("the kernel does not hold what the plan promises: %s", d)
			}
			if replaces(plan.Ops) {
				replaced++
			} else if len(plan.Ops) > 0 {
				edited++
			}
		}
	}
	if replaced == 0 || edited < 100 || refused > 20 {
		t.Errorf("%d plans replace the table, %d edit it, and %d are refused", replaced, edited, refused)
	}
}

func applyPhases(table *nft.Table, plan nft.Plan) (*nft.Table, error) {
	for _, phase := range plan.Phases() {
		var err error
		if table, err = nfttest.Apply(table, phase); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// damage does one thing to a table that another program could do.
func damage(r *rand.Rand, t *nft.Table) *nft.Table {
	if t == nil {
		return nil
	}
	for range 100 {
		if damaged, err := nfttest.Apply(t, nft.Plan{damagingOp(r, t)}); err == nil {
			return beyondOps(r, damaged)
		}
	}
	return t
}

func damagingOp(r *rand.Rand, t *nft.Table) nft.Op {
	const name = rules.TableName
	chain, m := pick(r, t.Chains), pick(r, t.Maps)
	verdict := []nft.Verdict{nft.Accept(), nft.Goto(pick(r, t.Chains).Name), nft.Return(), {Kind: "drop"}, {Kind: "jump", Goto: pick(r, t.Chains).Name}}[r.IntN(5)]
	some := randomPrefix(r)
	element := nft.Element{First: some.Addr(), Last: some.Addr(), Verdict: verdict}
	if m.Interval {
		element.Last = last(some)
	}
	if m.Addresses {
		element.Address, element.Verdict = addr("10.0.0.11"), nft.Verdict{}
	}
	switch r.IntN(14) {
	case 11:
		return nft.AddCounter{Table: name, Name: []string{"evil", "t_evil/evil"}[r.IntN(2)]}
	case 12:
		return nft.AddRule{Table: name, Chain: chain.Name, Rule: nft.Rule{nft.Counter{Name: pick(r, t.Counters)}}}
	case 0, 1, 2:
		if len(m.Elements) == 0 {
			return nft.DeleteMap{Table: name, Name: m.Name}
		}
		return nft.DeleteElements{Table: name, Map: m.Name, Interval: m.Interval, Elements: []nft.Element{pick(r, m.Elements)}}
	case 3, 4:
		return nft.AddElements{Table: name, Map: m.Name, Interval: m.Interval, Elements: []nft.Element{element}}
	case 5:
		return nft.AddRule{Table: name, Chain: chain.Name, Rule: nft.Rule{nft.Unknown{Text: "counter"}, verdict}}
	case 6:
		return nft.AddRule{Table: name, Chain: chain.Name, Rule: append(nft.Rule{nft.Confirmed{}}, pick(r, append(chain.Rules, nft.Rule{verdict}))...)}
	case 7:
		return nft.FlushChain{Table: name, Name: chain.Name}
	case 8:
		return nft.DeleteChain{Table: name, Name: chain.Name}
	case 9:
		hooks := []*nft.Hook{nil, {Type: "filter", Point: "forward", Policy: "drop"}, {Type: "nat", Point: "postrouting", Priority: 90}}
		return nft.AddChain{Table: name, Name: []string{"evil", "c_evil", "primary", "nodeports"}[r.IntN(4)], Hook: hooks[r.IntN(3)]}
	case 10:
		return nft.AddMap{Table: name, Name: []string{"evil", "sources"}[r.IntN(2)], Interval: r.IntN(2) == 0, Addresses: r.IntN(2) == 0}
	}
	return nft.DeleteMap{Table: name, Name: m.Name}
}

// beyondOps does at times what no plan can.
func beyondOps(r *rand.Rand, t *nft.Table) *nft.Table {
	switch {
	case len(t.Maps) > 0 && r.IntN(30) == 0:
		m := &t.Maps[r.IntN(len(t.Maps))]
		m.Other, m.Elements = "flags 0x19", nil
	case r.IntN(30) == 0:
		t.Other = append(t.Other, "object evil")
	case len(t.Chains) > 0 && r.IntN(30) == 0:
		if c := &t.Chains[r.IntN(len(t.Chains))]; c.Hook != nil {
			hook := *c.Hook
			hook.Policy = "drop"
			c.Hook = &hook
		}
	}
	return t
}

// pick returns the zero value if there is nothing.
func pick[T any](r *rand.Rand, all []T) (one T) {
	if len(all) > 0 {
		one = all[r.IntN(len(all))]
	}
	return one
}

// A class that others have changed is mended, not made anew, and no other is touched.
func TestContinueMends(t *testing.T) {
	wanted := mustCompile(t, network(), one(base), pod("a/x", "10.0.1.1", peer, base))
	class := wanted.Pods[0].Class
	for _, c := range []struct {
		name string
		by   nft.Plan
		want string
	}{
		{"an element is gone", nft.Plan{nft.DeleteElements{Table: "snatd", Map: "pods", Elements: wanted.Table().Maps[2].Elements}},
			"add element ip snatd pods { 10.0.1.1 : goto " + class + " }\n"},
		{"a chain is empty", nft.Plan{nft.FlushChain{Table: "snatd", Name: class}},
			strings.NewReplacer("CLASS", strings.TrimPrefix(class, "c_")).Replace(`add rule ip snatd c_CLASS ip daddr vmap @c_CLASS goto e_CLASS/default
add rule ip snatd c_CLASS ct status & confirmed != confirmed counter name "t_CLASS/default"
add rule ip snatd c_CLASS goto translate
`)},
		{"a chain that counts is empty", nft.Plan{nft.FlushChain{Table: "snatd", Name: "e_" + strings.TrimPrefix(class, "c_") + "/peer"}},
			strings.NewReplacer("CLASS", strings.TrimPrefix(class, "c_")).Replace(`add rule ip snatd e_CLASS/peer ct status & confirmed != confirmed counter name "e_CLASS/peer"
add rule ip snatd e_CLASS/peer accept
`)},
		{"a counter is more", nft.Plan{nft.AddCounter{Table: "snatd", Name: "theirs"}}, "delete counter ip snatd theirs\n"},
		{"a rule is more", nft.Plan{nft.AddRule{Table: "snatd", Chain: "translate", Rule: nft.Rule{nft.Unknown{Text: "log"}}}},
			`flush chain ip snatd translate
add rule ip snatd translate ct mark set ct mark | 0x00000080
add rule ip snatd translate meta mark set meta mark | 0x00000080
`},
		{"an element is more", nft.Plan{nft.AddElements{Table: "snatd", Map: "pods",
			Elements: []nft.Element{{First: addr("10.0.1.2"), Last: addr("10.0.1.2"), Verdict: nft.Verdict{Kind: "drop"}}}}},
			"delete element ip snatd pods { 10.0.1.2 : drop }\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			held, err := nfttest.Apply(wanted.Table(), c.by)
			if err != nil {
				t.Fatal(err)
			}
			wantOps(t, rules.Continue(held, wanted).Ops, c.want)
		})
	}
}

func TestFromTableOfOthers(t *testing.T) {
	accept := []nft.Rule{{nft.Accept()}}
	for name, table := range map[string]*nft.Table{
		"empty":   {Name: "snatd"},
		"a chain": {Name: "snatd", Chains: []nft.Chain{{Name: "c_1", Rules: accept}, {Name: "prerouting", Rules: []nft.Rule{{nft.Goto("c_2")}}}}},
		"a pod that goes nowhere": {Name: "snatd", Chains: []nft.Chain{{Name: "prerouting", Rules: []nft.Rule{{}}}}, Maps: []nft.Map{
			{Name: "pods", Elements: []nft.Element{{First: addr("10.0.0.1"), Last: addr("10.0.0.1"), Verdict: nft.Goto("c_1")}}}}},
	} {
		r, exact := rules.FromTable(table)
		if exact || r.Node != "" || len(r.Pods) > 0 {
			t.Errorf("%s: %+v, exact %v", name, r, exact)
		}
		if got := r.Lookup(addr("10.0.0.1"), netip.IPv4Unspecified()); got != exclude {
			t.Errorf("%s: %s", name, got)
		}
	}
}

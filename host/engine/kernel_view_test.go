package engine

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// held is a kernel in which a table is looked up, first in others.
type held struct {
	tables   []*nft.Table
	err      error
	asked    int
	unrouted bool
}

func (h *held) CheckRouting(marks ...uint32) (missing, others []uint32, err error) {
	if h.unrouted {
		return marks, nil, nil
	}
	return nil, nil, nil
}

func (h *held) LookUp(_ string, src, dst netip.Addr) (*nft.Table, error) {
	h.asked++
	table := h.tables[min(h.asked, len(h.tables))-1]
	if table == nil {
		return nil, h.err
	}
	found := *table
	found.Maps = slices.Clone(table.Maps)
	for i, m := range found.Maps {
		key := src
		if m.Interval {
			key = dst
		}
		found.Maps[i].Elements = slices.DeleteFunc(slices.Clone(m.Elements), func(e nft.Element) bool {
			return key.Less(e.First) || e.Last.Less(key)
		})
	}
	return &found, h.err
}

// explainedState is one pod that decides otherwise than the node.
func explainedState(t *testing.T) *State {
	t.Helper()
	pod := rules.Subject{Name: "default/web", Addr: netip.MustParseAddr("10.0.1.5")}
	entries := []rules.Entry{
		{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Outcome: rules.Outcome{Action: rules.Translate}},
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Outcome: rules.Outcome{Action: rules.Exclude}, Reason: "partner"},
	}
	decision := func(entries []rules.Entry) []policy.Evaluation {
		return []policy.Evaluation{{Decision: rules.Decision{Module: DefaultModule, Entries: entries}}}
	}
	network := rules.Network{PodInterfaces: []string{"eni*"}, Primary: netip.MustParseAddr("10.0.0.10"), Mark: 0x80, Randomize: rules.RandomizePRNG}
	decided := []Decided{{rules.Subject{Name: "node"}, decision(entries[:1])}, {pod, decision(entries)}}
	ruleset, err := compile(&rules.Compiler{}, network, decided)
	if err != nil {
		t.Fatal(err)
	}
	return &State{Result: &Result{Snapshot: &facts.Snapshot{}, Network: network, Decided: decided, Ruleset: ruleset}, Ruleset: ruleset}
}

// What the kernel holds otherwise is told, once it is not because of a change that is
// under way, and only as far as these packets meet it.
func TestExplainWhatTheKernelHolds(t *testing.T) {
	const src, dst = "10.0.1.5", "192.0.2.1"
	state := explainedState(t)
	class := state.Ruleset.ClassOf(netip.MustParseAddr(src))
	without := func(maps ...string) *nft.Table {
		table := state.Ruleset.Table()
		for i := range table.Maps {
			if slices.Contains(maps, table.Maps[i].Name) {
				table.Maps[i].Elements = nil
			}
		}
		return table
	}
	whole := without()
	otherRule := without()
	i := slices.IndexFunc(otherRule.Chains, func(c nft.Chain) bool { return c.Name == class })
	otherRule.Chains[i].Rules = []nft.Rule{{nft.Accept()}}
	for name, test := range map[string]struct {
		kernel held
		want   Kernel
	}{
		"as it should be":       {held{tables: []*nft.Table{whole}}, Kernel{Agrees: true, Action: "exclude", Source: src}},
		"a change is under way": {held{tables: []*nft.Table{without("pods"), whole}}, Kernel{Agrees: true, Action: "exclude", Source: src}},
		"no element of the pod": {held{tables: []*nft.Table{without("pods")}}, Kernel{Action: "translate", Source: "10.0.0.10", Differences: []string{"map pods lacks 1 elements"}}},
		"no interval":           {held{tables: []*nft.Table{without(class)}}, Kernel{Action: "translate", Source: "10.0.0.10", Differences: []string{"map " + class + " lacks 1 elements"}}},
		"others' rules":         {held{tables: []*nft.Table{otherRule}}, Kernel{Differences: []string{"chain " + class + " has other rules"}}},
		"nothing":               {held{tables: []*nft.Table{nil}}, Kernel{Action: "exclude", Source: src, Differences: []string{"the table is missing"}}},
		"no answer":             {held{tables: []*nft.Table{nil}, err: errors.New("no right")}, Kernel{Error: "no right"}},
	} {
		e, err := explainHeld(func() *State { return state }, src, dst, &test.kernel)
		if err != nil {
			t.Fatal(err)
		}
		if e.Action != rules.Exclude || e.Reason != "partner" || len(e.Elements) != 2 || !strings.HasPrefix(e.Elements[1].Element, "192.0.2.0/24 : ") {
			t.Errorf("%s: %+v", name, e)
		}
		got := *e.Kernel
		if got.Agrees != test.want.Agrees || got.Action != test.want.Action || got.Source != test.want.Source || got.Error != test.want.Error || !slices.Equal(got.Differences, test.want.Differences) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// What is translated leaves by the right interface only with its routing rule, which is
// looked up too.
func TestExplainWithoutTheRoutingRule(t *testing.T) {
	state := explainedState(t)
	kernel := &held{tables: []*nft.Table{state.Ruleset.Table()}, unrouted: true}
	for dst, want := range map[string][]string{
		"198.51.100.1": {"the ip rule fwmark 0x80/0x80 lookup main priority 1025 protocol 83 is missing"},
		"192.0.2.1":    nil,
	} {
		e, err := explainHeld(func() *State { return state }, "10.0.1.5", dst, kernel)
		if err != nil {
			t.Fatal(err)
		}
		if k := e.Kernel; k.Agrees != (want == nil) || !slices.Equal(k.Differences, want) || k.Action != e.Action {
			t.Errorf("to %s: %+v", dst, k)
		}
	}
}

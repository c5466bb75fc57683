package rules_test

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
	"github.com/snatd/snatd/rules/oracle"
)

// TestOvertakenPackets takes nodes through random changes. A packet that meets old
// rules and new elements, in any phase of a plan, gets what either the ruleset
// before or the one after has for it.
func TestOvertakenPackets(t *testing.T) {
	r := random(t)
	for range 15 {
		w := newWorld(r)
		var held *rules.Ruleset
		var old []netip.Addr // destinations where an answer of held could change
		for range 30 {
			for range 1 + r.IntN(3) { // changes come together too
				w.change()
			}
			node, pods := w.subjects()
			wanted := mustCompile(t, w.network, node, pods...)
			o := oracle.New(w.network, node, pods)
			plan := step(r, held, wanted)
			if held != nil && plan.After != nil && held.Network.Primary == plan.After.Network.Primary && !replaces(plan.Ops) {
				overtake(t, o, held, plan, append(old, o.Boundaries()...))
			}
			held, old = plan.After, o.Boundaries()
		}
	}
}

// replaces says whether a plan deletes the table. Packets that are in the chains
// of the old table at that moment find its maps empty; there is no cure for that.
func replaces(plan nft.Plan) bool {
	for _, op := range plan {
		if _, ok := op.(nft.DeleteTable); ok {
			return true
		}
	}
	return false
}

func overtake(t *testing.T, o *oracle.Oracle, held *rules.Ruleset, plan rules.Plan, destinations []netip.Addr) {
	t.Helper()
	phases := plan.Ops.Phases()
	tables := []*nft.Table{held.Table()}
	for _, phase := range phases {
		table, err := nfttest.Apply(tables[len(tables)-1], phase)
		if err != nil {
			t.Fatalf("%v, in\n%s", err, phase)
		}
		tables = append(tables, table)
	}
	if d := diffTables(plan.After.Table(), tables[len(tables)-1]); d != "" {
		t.Fatalf("the phases lead elsewhere than the plan: %s", d)
	}
	for _, dst := range destinations {
		for _, src := range append(sources(o), members(held)...) {
			overtakePacket(t, tables, phases, src, dst)
		}
	}
}

func members(r *rules.Ruleset) []netip.Addr {
	var all []netip.Addr
	for _, m := range r.Pods {
		all = append(all, m.Addr)
	}
	return all
}

// moments are all that differ: a packet makes two lookups at one hook.
var moments = []nfttest.Moment{
	{}, {Lookups: 1}, {Lookups: 2},
	{OldIntervals: true}, {Lookups: 1, OldIntervals: true}, {Entered: true, OldIntervals: true},
}

// overtakePacket has every transaction overtake the packet at each moment.
func overtakePacket(t *testing.T, tables []*nft.Table, phases []nft.Plan, src, dst netip.Addr) {
	t.Helper()
	first, last := tables[0], tables[len(tables)-1]
	fresh := nfttest.Packet{In: "eni1", Out: "eth0", Src: src, Dst: dst}
	marked := fresh
	marked.ConnMark = network().Mark
	for i, phase := range phases {
		for _, m := range moments {
			got := nfttest.PreroutingDuring(tables[i], tables[i+1], m, fresh)
			if was, is := nfttest.Prerouting(first, fresh), nfttest.Prerouting(last, fresh); got != was && got != is {
				t.Fatalf("%s to %s: mark %#x at %+v of phase %d, %#x before, %#x after, in\n%s\n%s",
					src, dst, got.Mark, m, i, was.Mark, is.Mark, phase, tables[i])
			}
			to := nfttest.PostroutingDuring(tables[i], tables[i+1], m, marked).TranslatedTo
			was, is := nfttest.Postrouting(first, marked).TranslatedTo, nfttest.Postrouting(last, marked).TranslatedTo
			if to != was && to != is {
				t.Fatalf("%s to %s: source %s at %+v of phase %d, %s before, %s after, in\n%s\n%s",
					src, dst, to, m, i, was, is, phase, tables[i])
			}
		}
	}
}

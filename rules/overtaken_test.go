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
			if held != nil && plan.After != nil && !replaces(plan.Ops) && sameInterfaces(held, plan.After) {
				overtake(t, o, held, plan, append(old, o.Boundaries()...))
			}
			held, old = plan.After, o.Boundaries()
		}
	}
}

// sameInterfaces says whether pods and node are reached in the same way. Packets that are on
// their way when that changes are not provided for.
func sameInterfaces(before, after *rules.Ruleset) bool {
	return before.Node == "" || after.Node == "" || before.Network.Primary == after.Network.Primary &&
		slices.Equal(before.Network.PodInterfaces, after.Network.PodInterfaces)
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

// overtakePacket has every transaction overtake the packet at each moment, and any of the
// later ones on its way from one hook to the other.
func overtakePacket(t *testing.T, tables []*nft.Table, phases []nft.Plan, src, dst netip.Addr) {
	t.Helper()
	fresh := nfttest.Packet{In: "eni1", Out: "eth0", Src: src, Dst: dst}
	marked := fresh
	marked.ConnMark = network().Mark
	was, is := seen(tables[0], fresh), seen(tables[len(tables)-1], fresh)
	for i, phase := range phases {
		for _, m := range moments {
			if nfttest.PreroutingDuring(tables[i], tables[i+1], m, fresh).Mark == 0 {
				if src != was && src != is {
					t.Fatalf("%s to %s: not marked at %+v of phase %d, %s before, %s after, in\n%s\n%s", src, dst, m, i, was, is, phase, tables[i])
				}
				continue
			}
			for j := i; j < len(phases) && !settled(phases[i+1:max(i+1, j)]); j++ {
				for _, n := range moments {
					to := nfttest.PostroutingDuring(tables[j], tables[j+1], n, marked).TranslatedTo
					if to != was && to != is {
						t.Fatalf("%s to %s: marked at %+v of phase %d, source %s at %+v of phase %d, %s before, %s after, in\n%s\n%s\n%s",
							src, dst, m, i, to, n, j, was, is, phase, phases[j], tables[j])
					}
				}
			}
		}
	}
}

// seen is the source that the destination sees of a packet that nothing overtakes.
func seen(t *nft.Table, fresh nfttest.Packet) netip.Addr {
	decided := nfttest.Prerouting(t, fresh)
	if decided.Mark == 0 {
		return fresh.Src
	}
	decided.In, decided.Out = fresh.In, fresh.Out
	decided.ConnMark = decided.Mark
	return nfttest.Postrouting(t, decided).TranslatedTo
}

// settled says that no packet is in front of these phases and behind them.
func settled(phases []nft.Plan) bool {
	return slices.ContainsFunc(phases, func(p nft.Plan) bool { return p[0] == nft.Op(nft.Then{Settle: true}) })
}

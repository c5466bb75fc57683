package routespolicy_test

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	defaultpolicy "github.com/snatd/snatd/plugins/default"
	routespolicy "github.com/snatd/snatd/plugins/routes"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// TestPlainReading holds the decisions about random route tables and settings
// against a reading of the table itself: what the default module keeps, and
// behind the longest route that leads anywhere what its target means. The two
// modules' decisions are asked in their order, as the host does.
func TestPlainReading(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	seen := map[string]int{}
	for range rounds() {
		routes := randomTable(random)
		facts := on(pod, routes.facts(), randomSettings(random))
		entries, byDefault := entriesOf(t, routespolicy.Decide, facts), entriesOf(t, defaultpolicy.Decide, facts)
		expectNeeded(t, entries)
		for _, destination := range destinations(random, routes.entries(), keptBy(t, facts), entries, byDefault) {
			want := routes.read(destination, byDefault)
			seen[want]++
			if got := decided(destination, entries, byDefault); got != want {
				t.Fatalf("%s: got %s, want %s\nfacts %q\nentries %v", destination, got, want, facts, entries)
			}
			if lookup(keptBy(t, facts), destination) != "no opinion" && want != "exclude" {
				t.Fatalf("%s is kept, and has %s\nfacts %q", destination, want, facts)
			}
		}
	}
	for _, outcome := range []string{"exclude", "translate"} {
		if seen[outcome] < rounds() {
			t.Errorf("%d destinations have %s, the tables are not random enough", seen[outcome], outcome)
		}
	}
}

// A host keeps to the last good decision of a module that fails, while the
// default module learns that the VPC has grown. Then nothing in the VPC is
// translated, but what a route around it had been taken from.
func TestStaleDecision(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	seen := map[string]int{}
	for range rounds() {
		routes := randomTable(random)
		facts := on(pod, routes.facts(), randomSettings(random))
		stale := entriesOf(t, routespolicy.Decide, facts)
		before, _, err := sdk.Facts{Source: facts}.VPCCIDRs()
		if err != nil {
			t.Fatal(err)
		}
		grown := on(facts, sdk.Map{abi.KeyVPCCIDRs: sdk.List(texts(append(before, randomPrefix(random)))...)})
		byDefault := entriesOf(t, defaultpolicy.Decide, grown)
		for _, destination := range destinations(random, routes.entries(), keptBy(t, grown), byDefault) {
			if lookup(keptBy(t, grown), destination) == "no opinion" {
				continue
			}
			got := decided(destination, stale, byDefault)
			seen[got]++
			if got == "translate" && !routes.ownAround(destination) {
				t.Fatalf("%s is in the VPC now, and translated\nfacts %q\nentries %v", destination, grown, stale)
			}
		}
	}
	if seen["exclude"] < rounds() || seen["translate"] == 0 {
		t.Errorf("destinations have %v, the tables are not random enough", seen)
	}
	// What a node in a public subnet has.
	for _, e := range entriesOf(t, routespolicy.Decide, on(pod, public.facts())) {
		if e.Translate {
			t.Errorf("translates %s by itself", e.Prefix)
		}
	}
}

func rounds() int {
	if testing.Short() {
		return 300
	}
	return 3000
}

// expectNeeded fails if there is an entry to translate that changes nothing: it
// has to be inside of a route that the pod's own address does behind.
func expectNeeded(t *testing.T, entries []sdk.Entry) {
	t.Helper()
	for _, e := range entries {
		if e.Translate && !slices.ContainsFunc(entries, func(around sdk.Entry) bool {
			return !around.Translate && strings.HasPrefix(around.Reason, "route to ") &&
				around.Prefix.Bits() < e.Prefix.Bits() && around.Prefix.Contains(e.Prefix.Addr())
		}) {
			t.Fatalf("%v is what the default module says\nentries %v", e, entries)
		}
	}
}

// read is what the table says about one destination.
func (t table) read(destination netip.Addr, byDefault []sdk.Entry) string {
	longest, own := -1, false
	for cidr, to := range t {
		prefix := netip.MustParsePrefix(cidr)
		if to != "blackhole" && prefix.Contains(destination) && prefix.Bits() > longest {
			longest, own = prefix.Bits(), knowsPods(to)
		}
	}
	if own {
		return "exclude"
	}
	return lookup(byDefault, destination)
}

// ownAround tells that a route that the pod's own address does behind is around
// a destination, be it the longest or not.
func (t table) ownAround(destination netip.Addr) bool {
	for cidr, to := range t {
		if knowsPods(to) && netip.MustParsePrefix(cidr).Contains(destination) {
			return true
		}
	}
	return false
}

// knowsPods tells that a pod's own address does behind a target.
func knowsPods(target string) bool {
	kind, _, _ := strings.Cut(target, "-")
	return slices.Contains([]string{"local", "pcx", "tgw", "vgw", "nat"}, kind) || target == coreNetwork
}

// entries are the table's destinations.
func (t table) entries() []sdk.Entry {
	var entries []sdk.Entry
	for _, cidr := range slices.Sorted(maps.Keys(t)) {
		entries = append(entries, sdk.Entry{Prefix: netip.MustParsePrefix(cidr)})
	}
	return entries
}

// keptBy are the networks that facts say are never translated to.
func keptBy(t *testing.T, facts sdk.Map) []sdk.Entry {
	t.Helper()
	of := sdk.Facts{Source: facts}
	vpc, _, err := of.VPCCIDRs()
	if err != nil {
		t.Fatal(err)
	}
	excluded, _, err := of.SNATExclude()
	if err != nil {
		t.Fatal(err)
	}
	var entries []sdk.Entry
	for _, prefix := range append(vpc, excluded...) {
		entries = append(entries, sdk.Entry{Prefix: prefix})
	}
	return entries
}

// decided is what decisions say together: each has an opinion where those before
// it have none.
func decided(destination netip.Addr, decisions ...[]sdk.Entry) string {
	for _, entries := range decisions {
		if outcome := lookup(entries, destination); outcome != "no opinion" {
			return outcome
		}
	}
	return "no opinion"
}

// lookup is what entries say about one destination.
func lookup(entries []sdk.Entry, destination netip.Addr) string {
	longest, outcome := -1, "no opinion"
	for _, e := range entries {
		if e.Prefix.Contains(destination) && e.Prefix.Bits() > longest {
			longest, outcome = e.Prefix.Bits(), "exclude"
			if e.Translate {
				outcome = "translate"
			}
		}
	}
	return outcome
}

// destinations are those where a wrong answer would show: the first and the last
// address of every prefix, the ones beside them, and a few more.
func destinations(random *rand.Rand, lists ...[]sdk.Entry) []netip.Addr {
	all := []netip.Addr{randomPrefix(random).Addr(), randomPrefix(random).Addr()}
	for _, e := range slices.Concat(lists...) {
		first := e.Prefix.Addr()
		end := first.As4()
		for bit := e.Prefix.Bits(); bit < 32; bit++ {
			end[bit/8] |= 0x80 >> (bit % 8)
		}
		last := netip.AddrFrom4(end)
		all = append(all, first, last)
		for _, beside := range []netip.Addr{first.Prev(), last.Next()} {
			if beside.IsValid() {
				all = append(all, beside)
			}
		}
	}
	return all
}

func entriesOf(t *testing.T, policy sdk.Policy, facts sdk.Map) []sdk.Entry {
	t.Helper()
	decision, err := sdk.Run(policy, facts)
	if err != nil {
		t.Fatal(err)
	}
	return decision.Entries()
}

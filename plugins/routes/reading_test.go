package routespolicy_test

import (
	"fmt"
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

// TestPlainReading holds the decisions about random route tables against a
// reading of the table itself: the longest route that leads anywhere, and what
// its target means. Behind routes that do not know the pod's address, the default
// module is asked.
func TestPlainReading(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	seen := map[string]int{}
	for range rounds {
		routes := randomTable(random)
		facts := on(pod, routes.facts(), sdk.Map{
			abi.KeyVPCCIDRs:    sdk.List(randomPrefix(random).String(), "100.64.0.0/16"),
			abi.KeySNATExclude: sdk.List(randomPrefixes(random)...),
		})
		entries, byDefault := entriesOf(t, routespolicy.Decide, facts), entriesOf(t, defaultpolicy.Decide, facts)
		for _, destination := range destinations(random, entries, byDefault) {
			want := routes.read(destination, byDefault)
			seen[want]++
			if got := lookup(entries, destination); got != want {
				t.Fatalf("%s: got %s, want %s\nfacts %q\nentries %v", destination, got, want, facts, entries)
			}
		}
	}
	for _, outcome := range []string{"exclude", "translate", "no opinion"} {
		if seen[outcome] < rounds {
			t.Errorf("%d destinations have %s, the tables are not random enough", seen[outcome], outcome)
		}
	}
}

// read is what the table says about one destination.
func (t table) read(destination netip.Addr, byDefault []sdk.Entry) string {
	longest, target := -1, ""
	for cidr, to := range t {
		prefix := netip.MustParsePrefix(cidr)
		if to != "blackhole" && prefix.Contains(destination) && prefix.Bits() > longest {
			longest, target = prefix.Bits(), to
		}
	}
	kind, _, _ := strings.Cut(target, "-")
	switch kind {
	case "":
		return "no opinion"
	case "local", "pcx", "tgw", "vgw", "nat":
		return "exclude"
	}
	return lookup(byDefault, destination)
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

func randomTable(random *rand.Rand) table {
	kinds := []string{"local", "pcx-1", "tgw-1", "vgw-1", "nat-1", "igw-1", "igw-2", "eni-1", "vpce-1", "new-1", "blackhole"}
	t := table{}
	for _, cidr := range randomPrefixes(random) {
		t[cidr] = kinds[random.IntN(len(kinds))]
	}
	if random.IntN(3) == 0 {
		t["0.0.0.0/0"] = kinds[random.IntN(len(kinds))]
	}
	return t
}

func randomPrefixes(random *rand.Rand) []string {
	prefixes := make([]string, random.IntN(9))
	for i := range prefixes {
		prefixes[i] = randomPrefix(random).String()
	}
	return prefixes
}

// randomPrefix is from a space that is small enough for many to be inside, around
// and equal to each other.
func randomPrefix(random *rand.Rand) netip.Prefix {
	address := fmt.Sprintf("10.%d.%d.%d", random.IntN(4)*64, random.IntN(2)*128, random.IntN(2)*255)
	lengths := []int{0, 6, 8, 9, 10, 16, 17, 24, 25, 31, 32}
	return netip.PrefixFrom(netip.MustParseAddr(address), lengths[random.IntN(len(lengths))]).Masked()
}

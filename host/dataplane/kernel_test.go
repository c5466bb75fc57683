package dataplane

import (
	"fmt"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// What plans rely on: changes that a kernel could refuse within one transaction.
func TestKernelTakesInOneTransaction(t *testing.T) {
	const table = rules.TableName
	before := &nft.Table{
		Name: table,
		Maps: []nft.Map{
			{Name: "destinations", Interval: true, Elements: []nft.Element{
				span("10.0.0.0", "10.0.255.255", nft.Accept()),
				span("10.1.0.0", "10.1.255.255", nft.Goto("used")), // adjacent
			}},
			{Name: "pods", Elements: []nft.Element{single("10.0.0.5", nft.Goto("used"))}},
		},
		Chains: []nft.Chain{{Name: "used", Rules: []nft.Rule{{nft.Accept()}}}},
	}
	destinations := func(elements ...nft.Element) (nft.Op, nft.Op) {
		return nft.AddElements{Table: table, Map: "destinations", Interval: true, Elements: elements},
			nft.DeleteElements{Table: table, Map: "destinations", Interval: true, Elements: elements}
	}
	pods := func(elements ...nft.Element) (nft.Op, nft.Op) {
		return nft.AddElements{Table: table, Map: "pods", Elements: elements},
			nft.DeleteElements{Table: table, Map: "pods", Elements: elements}
	}
	_, deleteSecond := destinations(span("10.1.0.0", "10.1.255.255", nft.Goto("used")))
	_, deleteFirst := destinations(span("10.0.0.0", "10.0.255.255", nft.Accept()))
	addOverlap, _ := destinations(span("10.0.128.0", "10.1.127.255", nft.Accept()))
	addAgain, _ := destinations(span("10.1.0.0", "10.1.255.255", nft.Accept()))
	_, deletePod := pods(single("10.0.0.5", nft.Goto("used")))
	addPod, _ := pods(single("10.0.0.5", nft.Accept()))

	tests := map[string]struct {
		plan nft.Plan
		want []string // in the listing
		not  []string
	}{
		"elements and the chain they point to": {
			plan: nft.Plan{deleteSecond, deletePod, nft.FlushChain{Table: table, Name: "used"}, nft.DeleteChain{Table: table, Name: "used"}},
			want: []string{"10.0.0.0/16 : accept"}, not: []string{"used", "10.1."},
		},
		"an interval that overlaps what it replaces": {
			plan: nft.Plan{deleteFirst, deleteSecond, addOverlap},
			want: []string{"{ 10.0.128.0-10.1.127.255 : accept }"}, not: []string{"10.0.0.0/16"},
		},
		"one of two adjacent intervals": {
			plan: nft.Plan{deleteFirst},
			want: []string{"{ 10.1.0.0/16 : goto used }"}, not: []string{"10.0.0.0/16"},
		},
		"another verdict for an interval": {
			plan: nft.Plan{deleteSecond, addAgain},
			want: []string{"10.0.0.0/16 : accept", "10.1.0.0/16 : accept"}, not: []string{"10.1.0.0/16 : goto"},
		},
		"another verdict for an address": {
			plan: nft.Plan{deletePod, addPod},
			want: []string{"10.0.0.5 : accept"}, not: []string{"10.0.0.5 : goto"},
		},
		"a map": {
			plan: nft.Plan{nft.DeleteMap{Table: table, Name: "destinations"}},
			not:  []string{"destinations"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := nstest.New(t)
			d := open(t, n)
			apply(t, d, nft.Diff(nil, before))
			apply(t, d, test.plan)
			listing := list(t, n)
			for _, text := range test.want {
				if !strings.Contains(listing, text) {
					t.Errorf("%q is missing in\n%s", text, listing)
				}
			}
			for _, text := range test.not {
				if strings.Contains(listing, text) {
					t.Errorf("%q is still in\n%s", text, listing)
				}
			}
		})
	}
}

// intervals are n disjoint ones of two addresses each.
func intervals(n int) *rules.Ruleset {
	r := ruleset()
	for i := range n {
		prefix := fmt.Sprintf("%d.%d.%d.%d/31", 20+i>>22, i>>14&0xff, i>>6&0xff, i<<2&0xff)
		r.Classes[0].Intervals = append(r.Classes[0].Intervals, class("", prefix).Intervals...)
	}
	return r
}

func TestManyElements(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	count := 20_000
	if nstest.InUserNamespace() {
		count = 5_000 // the kernel limits the size of a transaction there
	}
	apply(t, d, create(intervals(count)))
	if got := strings.Count(list(t, n), "/31 : accept"); got != count {
		t.Errorf("the kernel lists %d elements, want %d", got, count)
	}
	// The same change in pieces: every second interval leaves.
	half := intervals(count)
	kept := half.Classes[0].Intervals[:0]
	for i, interval := range half.Classes[0].Intervals {
		if i%2 == 0 {
			kept = append(kept, interval)
		}
	}
	half.Classes[0].Intervals = kept
	apply(t, d, nft.Diff(intervals(count).Table(), half.Table()))
	if got := strings.Count(list(t, n), "/31 : accept"); got != count/2 {
		t.Errorf("after removing half the kernel lists %d elements, want %d", got, count/2)
	}
}

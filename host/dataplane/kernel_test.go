package dataplane

import (
	"fmt"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// What phases and the text of plans rely on: changes that a kernel could refuse
// within one transaction.
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
			{Name: "sources", Interval: true, Addresses: true, Elements: []nft.Element{toAddress("8.0.0.0/8", otherAddr), toAddress("9.0.0.0/8", thirdAddr)}},
		},
		Chains: []nft.Chain{
			{Name: "translating", Rules: []nft.Rule{{nft.MapNAT{Kind: "snat", Address: nft.DestinationAddress, Map: "sources"}}}},
			{Name: "used", Rules: []nft.Rule{{nft.Accept()}}},
		},
	}
	sources := func(elements ...nft.Element) (nft.Op, nft.Op) {
		return nft.AddElements{Table: table, Map: "sources", Interval: true, Elements: elements},
			nft.DeleteElements{Table: table, Map: "sources", Interval: true, Elements: elements}
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

	_, deleteSource := sources(toAddress("8.0.0.0/8", otherAddr))
	addSource, _ := sources(toAddress("8.0.0.0/8", thirdAddr))
	addHalf, _ := sources(toAddress("8.0.0.0/9", thirdAddr))

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
		"another address for an interval": {
			plan: nft.Plan{deleteSource, addSource},
			want: []string{"8.0.0.0/8 : " + thirdAddr, "9.0.0.0/8 : " + thirdAddr}, not: []string{otherAddr},
		},
		"an interval inside what it replaces": {
			plan: nft.Plan{deleteSource, addHalf},
			want: []string{"8.0.0.0/9 : " + thirdAddr, "9.0.0.0/8 : " + thirdAddr}, not: []string{"8.0.0.0/8"},
		},
		"a map of addresses and the chain that reads it": {
			plan: nft.Plan{
				nft.FlushChain{Table: table, Name: "translating"},
				nft.DeleteMap{Table: table, Name: "sources"},
				nft.DeleteChain{Table: table, Name: "translating"},
			},
			not: []string{"sources", "translating"},
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
			if err := commit(d, test.plan); err != nil {
				t.Fatal(err)
			}
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

// The elements of a map of addresses are sent in pieces too.
func TestManySources(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	count := 20_000
	if nstest.InUserNamespace() {
		count = 5_000 // the kernel limits the size of a transaction there
	}
	m := nft.Map{Name: "sources", Interval: true, Addresses: true}
	for i := range count {
		m.Elements = append(m.Elements, toAddress(fmt.Sprintf("%d.%d.%d.%d/31", 20+i>>22, i>>14&0xff, i>>6&0xff, i<<2&0xff), otherAddr))
	}
	apply(t, d, nft.Diff(nil, &nft.Table{Name: rules.TableName, Maps: []nft.Map{m}}))
	if got := strings.Count(list(t, n), "/31 : "+otherAddr); got != count {
		t.Errorf("the kernel lists %d elements, want %d", got, count)
	}
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

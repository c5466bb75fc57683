package dataplane

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// around are addresses at the ends of what a table's maps hold, and beside them.
func around(t *nft.Table) (all []netip.Addr) {
	all = []netip.Addr{netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr(outside)}
	for _, m := range t.Maps {
		for _, e := range m.Elements {
			for _, a := range []netip.Addr{e.First.Prev(), e.First, e.Last, e.Last.Next()} {
				if a.Is4() {
					all = append(all, a)
				}
			}
		}
	}
	return all
}

// What a packet meets is looked up in the kernel as it is written there, whatever the
// addresses.
func TestLookups(t *testing.T) {
	for name, r := range listings {
		t.Run(name, func(t *testing.T) {
			d := open(t, nstest.New(t))
			apply(t, d, create(r))
			table := r.Table()
			sources := []netip.Addr{netip.MustParseAddr("10.0.99.99")} // no pod's
			for _, pod := range r.Pods {
				sources = append(sources, pod.Addr)
			}
			for _, src := range sources {
				for _, dst := range around(table) {
					held, err := d.LookUp(rules.TableName, src, dst)
					if err != nil {
						t.Fatal(err)
					}
					want := table.Met(src, dst)
					if diff := diffTables(r.Met(src, dst), want); diff != "" {
						t.Fatalf("from %s to %s, without other classes:\n%s", src, dst, diff)
					}
					if diff := diffTables(want.Part(want), held.Part(want)); diff != "" {
						t.Fatalf("from %s to %s:\n%s", src, dst, diff)
					}
					if r.Node == "" {
						continue // which decides nothing
					}
					of, _ := rules.FromTable(held)
					if got, want := of.Lookup(src, dst), r.Lookup(src, dst); got != want {
						t.Fatalf("from %s to %s: %s, want %s", src, dst, got, want)
					}
				}
			}
		})
	}
}

// What others change is seen, and nothing where there is no table.
func TestLookupsOfOthersChanges(t *testing.T) {
	n := nstest.New(t)
	d := open(t, n)
	src, dst := netip.MustParseAddr(podAddr), netip.MustParseAddr(excluded)
	if held, err := d.LookUp(rules.TableName, src, dst); held != nil || err != nil {
		t.Errorf("without a table: %v, %v", held, err)
	}
	r := ruleset("10.0.0.0/16", "192.168.0.0/16")
	apply(t, d, create(r))
	class := r.ClassOf(src)
	n.Run("nft", "delete element ip snatd "+class+" { 192.168.0.0/16 }")
	n.Run("nft", "insert rule ip snatd "+class+" ip daddr 192.168.0.1 accept")
	held, err := d.LookUp(rules.TableName, src, dst)
	if err != nil {
		t.Fatal(err)
	}
	want, changed := r.Met(src, dst), map[string]bool{}
	for _, op := range nft.Diff(held.Part(want), want.Part(want)) {
		switch op := op.(type) {
		case nft.AddElements:
			changed[op.Map] = true
		case nft.FlushChain:
			changed["chain "+op.Name] = true
		}
	}
	if !changed[class] || !changed["chain "+class] {
		t.Errorf("seen: %v", changed)
	}
}

package nft_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

// small is a table with one chain that a map leads to, and a change to it.
func small(change func(*nft.Table)) *nft.Table {
	t := &nft.Table{
		Name: "t",
		Maps: []nft.Map{{Name: "m", Interval: true, Elements: []nft.Element{
			element("10.0.0.0", "10.0.255.255", nft.Goto("a")),
			element("10.2.0.0", "10.2.255.255", nft.Accept()),
		}}},
		Chains: []nft.Chain{
			{Name: "a", Rules: []nft.Rule{{nft.Accept()}}},
			{Name: "b", Hook: &nft.Hook{Type: "filter", Point: "prerouting", Priority: 0}, Rules: []nft.Rule{
				{nft.Lookup{Address: nft.DestinationAddress, Map: "m"}},
			}},
		},
	}
	change(t)
	return t
}

// addresses is a table with a map of addresses that a chain reads.
func addresses(source string) *nft.Table {
	e := element("8.0.0.0", "8.255.255.255", nft.Verdict{})
	e.Address = netip.MustParseAddr(source)
	return &nft.Table{
		Name:   "t",
		Maps:   []nft.Map{{Name: "m", Interval: true, Addresses: true, Elements: []nft.Element{e}}},
		Chains: []nft.Chain{{Name: "a", Rules: []nft.Rule{{nft.MapNAT{Kind: "snat", Address: nft.DestinationAddress, Map: "m"}}}}},
	}
}

const full = `add table ip t
add chain ip t a
add chain ip t b { type filter hook prerouting priority 0; policy accept; }
add map ip t m { type ipv4_addr : verdict; flags interval; }
add rule ip t a accept
add rule ip t b ip daddr vmap @m
add element ip t m {
	10.0.0.0/16 : goto a,
	10.2.0.0/16 : accept
}
`

func TestDiff(t *testing.T) {
	same := func(*nft.Table) {}
	counting := small(func(t *nft.Table) {
		t.Counters = []string{"n"}
		t.Chains[0].Rules = []nft.Rule{{nft.Confirmed{Not: true}, nft.Counter{Name: "n"}}, {nft.Accept()}}
	})
	for _, c := range []struct {
		name          string
		before, after *nft.Table
		want          string
	}{
		{"nothing", nil, nil, ""},
		{"equal", small(same), small(same), ""},
		{"new", nil, small(same), full},
		{"gone", small(same), nil, "delete table ip t\n"},
		{"an element more", small(same), small(func(t *nft.Table) {
			t.Maps[0].Elements = append(t.Maps[0].Elements, element("10.3.0.0", "10.3.0.0", nft.Accept()))
		}), "add element ip t m { 10.3.0.0 : accept }\n"},
		{"an element changes its verdict", small(same), small(func(t *nft.Table) {
			t.Maps[0].Elements[1].Verdict = nft.Goto("a")
		}), "delete element ip t m { 10.2.0.0/16 : accept }\nadd element ip t m { 10.2.0.0/16 : goto a }\n"},
		{"elements swap places with what they overlap", small(same), small(func(t *nft.Table) {
			t.Maps[0].Elements = []nft.Element{element("10.0.128.0", "10.2.0.0", nft.Accept())}
		}), `delete element ip t m {
	10.0.0.0/16 : goto a,
	10.2.0.0/16 : accept
}
add element ip t m { 10.0.128.0-10.2.0.0 : accept }
`},
		{"a rule changes", small(same), small(func(t *nft.Table) {
			t.Chains[0].Rules = []nft.Rule{{nft.DestinationLocal{}, nft.Return()}, {nft.Accept()}}
		}), "flush chain ip t a\nadd rule ip t a fib daddr type local return\nadd rule ip t a accept\n"},
		{"a chain and a map go", small(same), small(func(t *nft.Table) {
			t.Maps = nil
			t.Chains = t.Chains[1:]
			t.Chains[0].Rules = nil
		}), "flush chain ip t a\nflush chain ip t b\ndelete map ip t m\ndelete chain ip t a\n"},
		{"chains that go refer to each other", small(func(t *nft.Table) {
			t.Chains[1].Rules = append(t.Chains[1].Rules, nft.Rule{nft.Goto("c")})
			t.Chains = append(t.Chains,
				nft.Chain{Name: "c", Rules: []nft.Rule{{nft.Goto("d")}}},
				nft.Chain{Name: "d"})
		}), small(same), `flush chain ip t b
add rule ip t b ip daddr vmap @m
flush chain ip t c
delete chain ip t c
delete chain ip t d
`},
		{"a rule that counts comes", small(same), counting, `add counter ip t n
flush chain ip t a
add rule ip t a ct status & confirmed != confirmed counter name "n"
add rule ip t a accept
`},
		{"a rule that counts goes", counting, small(same), "flush chain ip t a\nadd rule ip t a accept\ndelete counter ip t n\n"},
		{"a chain that counts comes with its table", nil, &nft.Table{Name: "t", Counters: counting.Counters, Chains: counting.Chains[:1]}, `add table ip t
add counter ip t n
add chain ip t a
add rule ip t a ct status & confirmed != confirmed counter name "n"
add rule ip t a accept
`},
		{"a hook changes", small(func(t *nft.Table) { t.Chains[1].Hook.Priority = 10 }), small(same),
			"delete table ip t\n" + full},
		{"a chain becomes a base chain", small(func(t *nft.Table) { t.Chains[1].Hook = nil }), small(same),
			"delete table ip t\n" + full},
		{"a map's flags change", small(func(t *nft.Table) { t.Maps[0] = nft.Map{Name: "m"} }), small(same),
			"delete table ip t\n" + full},
		{"a map's data change", small(func(t *nft.Table) {
			t.Maps[0].Addresses, t.Maps[0].Elements = true, nil
			t.Chains[1].Rules = nil
		}), small(same), "delete table ip t\n" + full},
		{"an element changes its address", addresses("10.0.0.11"), addresses("10.0.0.12"),
			"delete element ip t m { 8.0.0.0/8 : 10.0.0.11 }\nadd element ip t m { 8.0.0.0/8 : 10.0.0.12 }\n"},
		{"a map of addresses is new", &nft.Table{Name: "t"}, addresses("10.0.0.11"), `add chain ip t a
add map ip t m { type ipv4_addr : ipv4_addr; flags interval; }
add rule ip t a snat to ip daddr map @m
add element ip t m { 8.0.0.0/8 : 10.0.0.11 }
`},
		{"a map of addresses goes", addresses("10.0.0.11"), &nft.Table{Name: "t"},
			"flush chain ip t a\ndelete map ip t m\ndelete chain ip t a\n"},
		{"others' rules go", small(func(t *nft.Table) {
			t.Chains[0].Rules = append(t.Chains[0].Rules, nft.Rule{nft.Unknown{Text: "counter 1:00"}})
		}), small(same), "flush chain ip t a\nadd rule ip t a accept\n"},
		{"others' element goes", small(func(t *nft.Table) {
			t.Maps[0].Elements[1].Verdict.Kind = "drop"
		}), small(same), "delete element ip t m { 10.2.0.0/16 : drop }\nadd element ip t m { 10.2.0.0/16 : accept }\n"},
		{"others' map goes", small(func(t *nft.Table) {
			t.Maps = append(t.Maps, nft.Map{Name: "theirs", Other: "no map"})
		}), small(same), "delete map ip t theirs\n"},
		{"others' chain goes", small(func(t *nft.Table) {
			t.Chains = append(t.Chains, nft.Chain{Name: "theirs", Hook: &nft.Hook{Type: "route", Point: "output", Policy: "drop"}})
		}), small(same), "delete chain ip t theirs\n"},
		{"a chain's policy is another", small(func(t *nft.Table) { t.Chains[1].Hook.Policy = "drop" }), small(same),
			"delete table ip t\n" + full},
		{"a map is another's", small(func(t *nft.Table) { t.Maps[0].Other = "limits" }), small(same),
			"delete table ip t\n" + full},
		{"others' objects go", small(func(t *nft.Table) { t.Other = []string{"object theirs"} }), small(same),
			"delete table ip t\n" + full},
		{"the name changes", small(func(t *nft.Table) { t.Name = "old" }), small(same),
			"delete table ip old\n" + full},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := nft.Diff(c.before, c.after)
			if d := cmp.Diff(c.want, plan.String()); d != "" {
				t.Error(d)
			}
			got, err := nfttest.Apply(c.before, plan)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.after.String(), got.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

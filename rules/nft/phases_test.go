package nft_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

// classed is a table with pods that a map leads to chains, which have a map each;
// to is the chain that all others go to.
func classed(to string, pods map[string]string, chains ...string) *nft.Table {
	t := &nft.Table{
		Name: "t",
		Maps: []nft.Map{{Name: "pods"}},
		Chains: []nft.Chain{{
			Name: "base", Hook: &nft.Hook{Type: "filter", Point: "prerouting"},
			Rules: []nft.Rule{{nft.Lookup{Address: nft.SourceAddress, Map: "pods"}}, {nft.Goto(to)}},
		}},
	}
	for pod, chain := range pods {
		t.Maps[0].Elements = append(t.Maps[0].Elements, element(pod, pod, nft.Goto(chain)))
	}
	slices.SortFunc(t.Maps[0].Elements, func(a, b nft.Element) int { return a.First.Compare(b.First) })
	for _, name := range chains {
		t.Chains = append(t.Chains, nft.Chain{Name: name, Rules: []nft.Rule{{nft.Lookup{Address: nft.DestinationAddress, Map: name}}}})
		t.Maps = append(t.Maps, nft.Map{Name: name, Interval: true, Elements: []nft.Element{element("8.0.0.0", "8.255.255.255", nft.Accept())}})
	}
	slices.SortFunc(t.Chains, func(a, b nft.Chain) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Maps, func(a, b nft.Map) int { return strings.Compare(a.Name, b.Name) })
	return t
}

type pods = map[string]string

func TestPhases(t *testing.T) {
	const (
		makeD = `add chain ip t d
add map ip t d { type ipv4_addr : verdict; flags interval; }
add rule ip t d ip daddr vmap @d
add element ip t d { 8.0.0.0/8 : accept }
`
		removeC = "flush chain ip t c\ndelete map ip t c\n"
		deleteC = "delete chain ip t c\n"
		toD     = "flush chain ip t base\nadd rule ip t base ip saddr vmap @pods\nadd rule ip t base goto d\n"
	)
	held := classed("a", pods{"10.0.0.1": "c"}, "a", "c")
	wider := classed("a", pods{"10.0.0.1": "c"}, "a", "c")
	wider.Maps[0].Elements[0] = element("8.0.0.0", "9.255.255.255", nft.Accept())
	joined := classed("a", pods{"10.0.0.1": "a"}, "a", "c")
	joined.Maps[0].Elements[0] = element("8.0.0.0", "9.255.255.255", nft.Accept())
	hooked := classed("a", pods{"10.0.0.1": "c"}, "a", "c")
	hooked.Chains = append(hooked.Chains, nft.Chain{
		Name: "x", Hook: &nft.Hook{Type: "filter", Point: "prerouting", Priority: -10}, Rules: []nft.Rule{{nft.Accept()}},
	})
	counting := classed("a", pods{"10.0.0.1": "c"}, "a", "c", "d")
	counting.Counters = []string{"n"}
	counting.Chains[3].Rules = []nft.Rule{{nft.Counter{Name: "n"}}}
	counting.Maps[0].Elements = append(counting.Maps[0].Elements, element("9.0.0.0", "9.0.0.0", nft.Goto("d")))
	counting.Maps = slices.DeleteFunc(counting.Maps, func(m nft.Map) bool { return m.Name == "d" })
	for _, c := range []struct {
		name  string
		after *nft.Table
		want  []string
	}{
		{"an interval goes to a chain that counts", counting, []string{
			"add counter ip t n\nadd chain ip t d\nadd rule ip t d counter name \"n\"\n",
			"add element ip t a { 9.0.0.0 : goto d }\n",
		}},
		{"a chain that counts goes", held, []string{
			"delete element ip t a { 9.0.0.0 : goto d }\n",
			"flush chain ip t d\ndelete chain ip t d\ndelete counter ip t n\n",
		}},
		{"nothing", held, nil},
		{"an element more", classed("a", pods{"10.0.0.1": "c", "10.0.0.2": "c"}, "a", "c"),
			[]string{"add element ip t pods { 10.0.0.2 : goto c }\n"}},
		{"an element less", classed("a", pods{}, "a", "c"),
			[]string{"delete element ip t pods { 10.0.0.1 : goto c }\n"}},
		{"an element changes its verdict", classed("a", pods{"10.0.0.1": "a"}, "a", "c"),
			[]string{"delete element ip t pods { 10.0.0.1 : goto c }\nadd element ip t pods { 10.0.0.1 : goto a }\n"}},
		{"an interval changes", wider,
			[]string{"delete element ip t a { 8.0.0.0/8 : accept }\nadd element ip t a { 8.0.0.0/7 : accept }\n"}},
		{"an interval changes, and an element comes to it", joined, []string{
			"delete element ip t a { 8.0.0.0/8 : accept }\nadd element ip t a { 8.0.0.0/7 : accept }\n",
			"delete element ip t pods { 10.0.0.1 : goto c }\nadd element ip t pods { 10.0.0.1 : goto a }\n",
		}},
		{"a chain is new", classed("a", pods{"10.0.0.1": "c", "10.0.0.2": "d"}, "a", "c", "d"),
			[]string{makeD, "add element ip t pods { 10.0.0.2 : goto d }\n"}},
		{"a base chain is new", hooked,
			[]string{"add chain ip t x { type filter hook prerouting priority -10; policy accept; }\nadd rule ip t x accept\n"}},
		{"a chain goes", classed("a", pods{}, "a"),
			[]string{"delete element ip t pods { 10.0.0.1 : goto c }\n", removeC, deleteC}},
		{"one chain for another", classed("a", pods{"10.0.0.1": "d"}, "a", "d"), []string{
			makeD,
			"delete element ip t pods { 10.0.0.1 : goto c }\nadd element ip t pods { 10.0.0.1 : goto d }\n",
			removeC, deleteC,
		}},
		{"new rules take over", classed("d", pods{"10.0.0.2": "a"}, "a", "d"), []string{
			makeD,
			toD + "add element ip t pods { 10.0.0.2 : goto a }\n",
			"delete element ip t pods { 10.0.0.1 : goto c }\n",
			removeC, deleteC,
		}},
		{"an element changes along with rules", classed("d", pods{"10.0.0.1": "a"}, "a", "c", "d"), []string{
			makeD,
			toD + "delete element ip t pods { 10.0.0.1 : goto c }\nadd element ip t pods { 10.0.0.1 : goto a }\n",
		}},
		{"others' chain goes", held, []string{"flush chain ip t theirs\ndelete chain ip t theirs\n"}},
		{"a new table", classed("a", pods{"10.0.0.1": "a"}, "a"), []string{
			`add table ip t
add chain ip t a
add map ip t a { type ipv4_addr : verdict; flags interval; }
add map ip t pods { type ipv4_addr : verdict; }
add rule ip t a ip daddr vmap @a
add element ip t a { 8.0.0.0/8 : accept }
add element ip t pods { 10.0.0.1 : goto a }
`,
			`add chain ip t base { type filter hook prerouting priority 0; policy accept; }
add rule ip t base ip saddr vmap @pods
add rule ip t base goto a
`,
		}},
		{"no table", nil, []string{"delete table ip t\n"}},
		{"another table", small(func(*nft.Table) {}), []string{"delete table ip t\n" + full}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := held
			switch c.name {
			case "a new table":
				before = nil
			case "another table":
				before = classed("a", pods{}, "a", "b") // where b has no hook
			case "a chain that counts goes":
				before = counting
			case "others' chain goes":
				before = classed("a", pods{"10.0.0.1": "c"}, "a", "c")
				before.Chains = append(before.Chains, nft.Chain{Name: "theirs", Rules: []nft.Rule{{nft.Unknown{Text: "log"}}}})
			}
			table, phases := before, nft.Diff(before, c.after).Phases()
			var got []string
			for _, phase := range phases {
				var err error
				if table, err = nfttest.Apply(table, phase); err != nil {
					t.Fatal(err)
				}
				got = append(got, phase.String())
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.after.String(), table.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

package nfttest_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

func element(first, last string, v nft.Verdict) nft.Element {
	return nft.Element{First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last), Verdict: v}
}

func address(key, data string) nft.Element {
	e := element(key, key, nft.Verdict{})
	e.Address = netip.MustParseAddr(data)
	return e
}

var (
	hook = nft.Hook{Type: "filter", Point: "prerouting", Priority: 0}
	held = &nft.Table{
		Name:     "t",
		Counters: []string{"k"},
		Maps: []nft.Map{
			{Name: "m", Interval: true, Elements: []nft.Element{element("10.0.0.0", "10.0.255.255", nft.Goto("a"))}},
			{Name: "n"},
			{Name: "o", Addresses: true, Elements: []nft.Element{address("10.0.0.1", "10.0.0.11")}},
		},
		Chains: []nft.Chain{
			{Name: "a"},
			{Name: "b", Hook: &hook, Rules: []nft.Rule{{nft.Lookup{Address: nft.DestinationAddress, Map: "m"}}}},
			{Name: "c", Rules: []nft.Rule{{nft.Goto("d")}}},
			{Name: "d"},
			{Name: "e", Rules: []nft.Rule{{nft.MapNAT{Kind: "snat", Address: nft.DestinationAddress, Map: "o"}}}},
			{Name: "f", Rules: []nft.Rule{{nft.Counter{Name: "k"}}}},
		},
	}
)

func add(name string, interval bool, e ...nft.Element) nft.AddElements {
	return nft.AddElements{Table: "t", Map: name, Interval: interval, Elements: e}
}

func remove(name string, interval bool, e ...nft.Element) nft.DeleteElements {
	return nft.DeleteElements{Table: "t", Map: name, Interval: interval, Elements: e}
}

func rule(chain string, e ...nft.Expr) nft.AddRule {
	return nft.AddRule{Table: "t", Chain: chain, Rule: e}
}

func TestApplyRefuses(t *testing.T) {
	later := hook
	later.Priority = 10
	for _, c := range []struct {
		name string
		op   nft.Op
		want syscall.Errno
	}{
		{"table of another name", nft.AddTable{Table: "u"}, syscall.EOPNOTSUPP},
		{"no such table", nft.DeleteTable{Table: "u"}, syscall.ENOENT},
		{"counter in no table", nft.AddCounter{Table: "u", Name: "x"}, syscall.ENOENT},
		{"delete of no counter", nft.DeleteCounter{Table: "t", Name: "x"}, syscall.ENOENT},
		{"delete of a counter that a rule counts with", nft.DeleteCounter{Table: "t", Name: "k"}, syscall.EBUSY},
		{"rule with no counter", rule("a", nft.Counter{Name: "x"}), syscall.ENOENT},
		{"chain in no table", nft.AddChain{Table: "u", Name: "x"}, syscall.ENOENT},
		{"chain with another priority", nft.AddChain{Table: "t", Name: "b", Hook: &later}, syscall.EEXIST},
		{"chain that was a base chain", nft.AddChain{Table: "t", Name: "b"}, syscall.EEXIST},
		{"chain that was none", nft.AddChain{Table: "t", Name: "a", Hook: &hook}, syscall.EEXIST},
		{"flush of no chain", nft.FlushChain{Table: "t", Name: "x"}, syscall.ENOENT},
		{"delete of no chain", nft.DeleteChain{Table: "t", Name: "x"}, syscall.ENOENT},
		{"delete of a chain that an element goes to", nft.DeleteChain{Table: "t", Name: "a"}, syscall.EBUSY},
		{"delete of a chain that a rule goes to", nft.DeleteChain{Table: "t", Name: "d"}, syscall.EBUSY},
		{"rule in no chain", rule("x", nft.Accept()), syscall.ENOENT},
		{"rule that goes nowhere", rule("a", nft.Goto("x")), syscall.ENOENT},
		{"rule that goes to a base chain", rule("a", nft.Goto("b")), syscall.EOPNOTSUPP},
		{"rule with no map", rule("a", nft.Lookup{Address: nft.SourceAddress, Map: "x"}), syscall.ENOENT},
		{"translation in a chain of type filter", rule("b", nft.NAT{Kind: "snat"}), syscall.EOPNOTSUPP},
		{"rule that goes to translation", rule("b", nft.Goto("e")), syscall.EOPNOTSUPP},
		{"element that goes to translation", add("m", true, element("10.1.0.0", "10.1.0.0", nft.Goto("e"))), syscall.EOPNOTSUPP},
		{"translation where an element goes to", rule("a", nft.NAT{Kind: "snat"}), syscall.EOPNOTSUPP},
		{"translation by no map", rule("a", nft.MapNAT{Kind: "snat", Map: "x"}), syscall.ENOENT},
		{"translation by a map of verdicts", rule("a", nft.MapNAT{Kind: "snat", Map: "m"}), syscall.EINVAL},
		{"verdict from a map of addresses", rule("a", nft.Lookup{Address: nft.SourceAddress, Map: "o"}), syscall.EINVAL},
		{"map with other data", nft.AddMap{Table: "t", Name: "o"}, syscall.EEXIST},
		{"delete of a map that translation reads", nft.DeleteMap{Table: "t", Name: "o"}, syscall.EBUSY},
		{"verdict in a map of addresses", add("o", false, element("10.1.0.0", "10.1.0.0", nft.Accept())), syscall.EINVAL},
		{"address in a map of verdicts", add("n", false, address("10.1.0.0", "10.0.0.11")), syscall.EINVAL},
		{"element with an IPv6 address", add("o", false, address("10.1.0.0", "fd00::1")), syscall.EINVAL},
		{"element with nothing", add("n", false, element("10.1.0.0", "10.1.0.0", nft.Verdict{})), syscall.EINVAL},
		{"map with other flags", nft.AddMap{Table: "t", Name: "m"}, syscall.EEXIST},
		{"delete of no map", nft.DeleteMap{Table: "t", Name: "x"}, syscall.ENOENT},
		{"delete of a map that a rule reads", nft.DeleteMap{Table: "t", Name: "m"}, syscall.EBUSY},
		{"element in no map", add("x", true, element("10.1.0.0", "10.1.0.0", nft.Accept())), syscall.ENOENT},
		{"element with other flags", add("m", false, element("10.1.0.0", "10.1.0.0", nft.Accept())), syscall.EINVAL},
		{"element that goes nowhere", add("m", true, element("10.1.0.0", "10.1.0.0", nft.Goto("x"))), syscall.ENOENT},
		{"element again", add("m", true, element("10.0.0.0", "10.0.255.255", nft.Goto("a"))), syscall.EEXIST},
		{"element inside another", add("m", true, element("10.0.7.0", "10.0.7.0", nft.Accept())), syscall.EEXIST},
		{"element around another", add("m", true, element("10.0.0.0", "10.255.255.255", nft.Accept())), syscall.EEXIST},
		{"element over an end", add("m", true, element("10.0.255.255", "10.1.0.0", nft.Accept())), syscall.EEXIST},
		{"element over a beginning", add("m", true, element("9.0.0.0", "10.0.0.0", nft.Accept())), syscall.EEXIST},
		{"elements that overlap each other", add("m", true,
			element("11.0.0.0", "11.0.0.2", nft.Accept()), element("11.0.0.2", "11.0.0.3", nft.Accept())), syscall.EEXIST},
		{"interval in a map of addresses", add("n", false, element("10.1.0.0", "10.1.0.1", nft.Accept())), syscall.EINVAL},
		{"interval the wrong way round", add("m", true, element("10.1.0.1", "10.1.0.0", nft.Accept())), syscall.EINVAL},
		{"delete of no element", remove("m", true, element("10.1.0.0", "10.1.0.0", nft.Accept())), syscall.ENOENT},
		{"delete of a part", remove("m", true, element("10.0.0.0", "10.0.0.255", nft.Goto("a"))), syscall.ENOENT},
		{"delete with another verdict", remove("m", true, element("10.0.0.0", "10.0.255.255", nft.Accept())), syscall.ENOENT},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := held.String()
			// All or nothing: the first change must not stay either.
			got, err := nfttest.Apply(held, nft.Plan{nft.AddChain{Table: "t", Name: "new"}, c.op})
			if !errors.Is(err, c.want) {
				t.Errorf("error is %v, want %v", err, c.want)
			}
			if got.String() != before || held.String() != before {
				t.Errorf("the table changed:\n%s", got)
			}
		})
	}
}

func TestApplyAccepts(t *testing.T) {
	for _, c := range []struct {
		name string
		plan nft.Plan
	}{
		{"what is there", nft.Plan{
			nft.AddTable{Table: "t"},
			nft.AddCounter{Table: "t", Name: "k"},
			nft.AddChain{Table: "t", Name: "b", Hook: &hook},
			nft.AddMap{Table: "t", Name: "m", Interval: true},
		}},
		{"translation that packets reach from a chain of type nat", nft.Plan{
			nft.AddChain{Table: "t", Name: "g", Hook: &nft.Hook{Type: "nat", Point: "postrouting"}},
			rule("g", nft.Goto("e")),
			nft.FlushChain{Table: "t", Name: "g"},
			nft.DeleteChain{Table: "t", Name: "g"},
		}},
		{"an element in place of one it overlaps", nft.Plan{
			remove("m", true, held.Maps[0].Elements...),
			add("m", true, element("10.0.128.0", "10.1.0.0", nft.Accept())),
			remove("m", true, element("10.0.128.0", "10.1.0.0", nft.Accept())),
			add("m", true, held.Maps[0].Elements...),
		}},
		{"references away first", nft.Plan{
			nft.FlushChain{Table: "t", Name: "b"},
			nft.DeleteMap{Table: "t", Name: "m"},
			nft.DeleteChain{Table: "t", Name: "a"},
			nft.AddChain{Table: "t", Name: "a"},
			nft.AddMap{Table: "t", Name: "m", Interval: true},
			rule("b", nft.Lookup{Address: nft.DestinationAddress, Map: "m"}),
			add("m", true, held.Maps[0].Elements...),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := nfttest.Apply(held, c.plan)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != held.String() {
				t.Errorf("got\n%s", got)
			}
		})
	}
	if got, err := nfttest.Apply(held, nft.Plan{nft.DeleteTable{Table: "t"}}); got != nil || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

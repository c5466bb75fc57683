package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
	"github.com/snatd/snatd/rules/nft/nfttest"
)

// apply diffs two rulesets, applies the plan to the table of the first in the
// fake kernel and holds the result against the table that the plan promises.
func apply(t *testing.T, before, after *rules.Ruleset) rules.Plan {
	t.Helper()
	plan := rules.Diff(before, after)
	got, err := nfttest.Apply(before.Table(), plan.Ops)
	if err != nil {
		t.Fatalf("%v, in\n%s", err, plan.Ops)
	}
	if d := diffTables(plan.After.Table(), got); d != "" {
		t.Fatalf("the kernel does not hold what the plan promises: %s", d)
	}
	if plan.After.Digest() != after.Digest() {
		t.Fatalf("the plan leads to\n%s, wanted is\n%s", plan.After.Table(), after.Table())
	}
	return plan
}

func wantOps(t *testing.T, got nft.Plan, want string) {
	t.Helper()
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Error(d)
	}
}

var (
	base = excluding("10.0.0.0/16", "10.2.0.0/16", "10.4.0.0/16", "10.6.0.0/16")
	peer = module("peer", entries(exclude, "10.9.0.0/16"))
)

func TestDiffOfNothing(t *testing.T) {
	if p := rules.Diff(nil, nil); p.After != nil || len(p.Ops) != 0 {
		t.Errorf("got %+v", p)
	}
	r := mustCompile(t, network(), one(base), pod("a/x", "10.0.1.1", peer, base))
	if p := apply(t, r, r); len(p.Ops) != 0 {
		t.Errorf("got\n%s", p.Ops)
	}
	if p := apply(t, r, nil); p.After != nil {
		t.Errorf("got %+v", p.After)
	} else {
		wantOps(t, p.Ops, "delete table ip snatd\n")
	}
}

func TestDiffPodAdded(t *testing.T) {
	x, y := pod("a/x", "10.0.1.1", peer, base), pod("a/y", "10.0.1.2", peer, base)
	before := mustCompile(t, network(), one(base), x)
	class := before.Pods[0].Class

	plan := apply(t, before, mustCompile(t, network(), one(base), x, y))
	wantOps(t, plan.Ops, "add element ip snatd pods { 10.0.1.2 : goto "+class+" }\n")

	gone := apply(t, plan.After, before)
	wantOps(t, gone.Ops, "delete element ip snatd pods { 10.0.1.2 : goto "+class+" }\n")

	same := apply(t, before, mustCompile(t, network(), one(base), x, pod("a/z", "10.0.1.3", base)))
	wantOps(t, same.Ops, "")
}

func TestDiffEditsInPlace(t *testing.T) {
	before := mustCompile(t, network(), one(base))
	wider := excluding("10.0.0.0/16", "10.2.0.0/16", "10.4.0.0/16", "10.6.0.0/15")
	after := mustCompile(t, network(), one(wider))
	plan := apply(t, before, after)
	if plan.After.Node != before.Node {
		t.Errorf("class is %s, was %s", plan.After.Node, before.Node)
	}
	wantOps(t, plan.Ops, "delete element ip snatd "+before.Node+" { 10.6.0.0/16 : continue }\n"+
		"add element ip snatd "+before.Node+" { 10.6.0.0/15 : continue }\n")

	// The name stays over the next change, and says nothing about content.
	again := apply(t, plan.After, mustCompile(t, network(), one(base)))
	if d := diffTables(before.Table(), again.After.Table()); d != "" {
		t.Error(d)
	}
}

// A map of which little would stay is better built anew: that is no slower, and
// the name says again what is in it.
func TestDiffBuildsAnew(t *testing.T) {
	before := mustCompile(t, network(), one(base))
	for _, next := range []rules.Decision{
		excluding("11.0.0.0/16", "11.2.0.0/16", "11.4.0.0/16"),
		excluding("10.0.0.0/16", "10.2.0.0/16", "11.4.0.0/16", "11.6.0.0/16"), // as many changes as intervals
	} {
		after := mustCompile(t, network(), one(next))
		if plan := apply(t, before, after); plan.After.Node != after.Node {
			t.Errorf("class is %s, want %s", plan.After.Node, after.Node)
		}
	}
}

// A map is edited in place if its class has the same members before and after.
// Packets of a pod that leaves may be on their way to it, and one that joins would follow
// its old class for a moment while all others follow the new one.
func TestDiffClassSplits(t *testing.T) {
	more := func(p ...string) rules.Decision {
		return excluding(append([]string{"10.0.0.0/16", "10.2.0.0/16", "10.4.0.0/16", "10.6.0.0/16"}, p...)...)
	}
	all := module("default", entries(exclude, "0.0.0.0/0"))
	near, far := more("10.8.0.0/16"), more("10.8.0.0/16", "10.10.0.0/16")
	before := mustCompile(t, network(), one(all), pod("a/1", "10.0.1.1", base), pod("a/2", "10.0.1.2", base))
	for _, c := range []struct {
		name string
		pods []rules.Decided
		kept bool
	}{
		{"all stay together", []rules.Decided{pod("a/1", "10.0.1.1", near), pod("a/2", "10.0.1.2", near)}, true},
		{"another one joins", []rules.Decided{pod("a/1", "10.0.1.1", near), pod("a/2", "10.0.1.2", near), pod("a/3", "10.0.1.3", near)}, false},
		{"to two classes", []rules.Decided{pod("a/1", "10.0.1.1", near), pod("a/2", "10.0.1.2", far)}, false},
		{"one follows the node", []rules.Decided{pod("a/1", "10.0.1.1", near)}, false},
	} {
		got := apply(t, before, mustCompile(t, network(), one(all), c.pods...)).After.Pods
		for _, m := range got {
			if (m.Class == before.Pods[0].Class) != c.kept {
				t.Errorf("%s: was %s, got %+v", c.name, before.Pods[0].Class, got)
			}
		}
	}
	node := mustCompile(t, network(), one(base))
	plan := apply(t, node, mustCompile(t, network(), one(near), pod("a/1", "10.0.1.1", all)))
	if plan.After.Node == node.Node {
		t.Error("the node's class is edited in place while one of its pods leaves it")
	}
}

// Nor is it if what happens outside of the map changes: for that, the class has to
// keep most of its intervals although the default is another one.
func TestDiffDefaultChanges(t *testing.T) {
	sources := egress("10.0.0.0/16", "10.0.0.11")
	for _, more := range []string{"10.2.0.0/16", "10.4.0.0/16", "10.6.0.0/16", "10.8.0.0/16"} {
		sources.Entries = append(sources.Entries, egress(more, "10.0.0.11").Entries...)
	}
	before := mustCompile(t, network(), []rules.Decision{sources, module("default", entries(exclude, "0.0.0.0/0"))})
	for _, c := range []struct {
		rest rules.Outcome
		kept bool
	}{{translate, false}, {to("10.0.0.12"), false}, {exclude, true}} {
		rest := module("default", entries(c.rest, "0.0.0.0/0"), entries(exclude, "10.10.0.0/16"), entries(translate, "10.12.0.0/16"))
		after := mustCompile(t, network(), []rules.Decision{sources, rest})
		if plan := apply(t, before, after); (plan.After.Node == before.Node) != c.kept {
			t.Errorf("rest %+v: class is %s, was %s", c.rest, plan.After.Node, before.Node)
		}
	}
}

// Nor is it if something else changes along with it: a pod that comes to another class.
func TestDiffWhole(t *testing.T) {
	all := module("default", entries(exclude, "0.0.0.0/0"))
	wider := excluding("10.0.0.0/16", "10.2.0.0/16", "10.4.0.0/16", "10.6.0.0/15")
	before := mustCompile(t, network(), one(base), pod("a/1", "10.0.1.1", all))
	for _, c := range []struct {
		pods []rules.Decided
		kept bool
	}{
		{[]rules.Decided{pod("a/1", "10.0.1.1", all)}, true},
		{[]rules.Decided{pod("a/1", "10.0.1.1", all), pod("a/2", "10.0.1.2", all)}, false},
		{nil, false},
	} {
		if plan := apply(t, before, mustCompile(t, network(), one(wider), c.pods...)); (plan.After.Node == before.Node) != c.kept {
			t.Errorf("%d pods: class is %s, was %s", len(c.pods), plan.After.Node, before.Node)
		}
	}
}

// A class edited in place has a name that its old content hashes to. When a
// class with that content comes back beside it, it needs another name.
func TestDiffNameCollision(t *testing.T) {
	wider := excluding("10.0.0.0/16", "10.2.0.0/16", "10.4.0.0/16", "10.6.0.0/15")
	first := mustCompile(t, network(), one(base))
	edited := apply(t, first, mustCompile(t, network(), one(wider))).After
	wanted := mustCompile(t, network(), one(wider), pod("a/x", "10.0.1.1", base))
	if wanted.Pods[0].Class != edited.Node {
		t.Fatal("the names do not collide, the test is void")
	}
	plan := apply(t, edited, wanted)
	if plan.After.Node != edited.Node {
		t.Errorf("the node's class is %s, was %s", plan.After.Node, edited.Node)
	}
	if name := plan.After.Pods[0].Class; name == edited.Node || name == wanted.Node {
		t.Errorf("the pod's class is %s", name)
	}
	if again := apply(t, edited, wanted); again.After.Pods[0].Class != plan.After.Pods[0].Class {
		t.Error("the name is another one each time")
	}
	for _, dst := range []string{"10.7.0.1", "10.6.0.1", "8.8.8.8"} {
		for _, src := range []string{"10.0.1.1", "10.0.1.2"} {
			if got, want := plan.After.Lookup(addr(src), addr(dst)), wanted.Lookup(addr(src), addr(dst)); got != want {
				t.Errorf("%s to %s: %s, want %s", src, dst, got, want)
			}
		}
	}
}

func TestDiffLastMemberLeaves(t *testing.T) {
	before := mustCompile(t, network(), one(base), pod("a/x", "10.0.1.1", peer, base))
	class := before.Pods[0].Class
	plan := apply(t, before, mustCompile(t, network(), one(base)))
	if len(plan.After.Classes) != 1 {
		t.Errorf("%d classes", len(plan.After.Classes))
	}
	wantOps(t, plan.Ops, strings.NewReplacer("CLASS", strings.TrimPrefix(class, "c_")).Replace(`flush chain ip snatd c_CLASS
flush chain ip snatd e_CLASS/default
flush chain ip snatd e_CLASS/peer
delete map ip snatd c_CLASS
delete element ip snatd pods { 10.0.1.1 : goto c_CLASS }
delete chain ip snatd c_CLASS
delete chain ip snatd e_CLASS/default
delete chain ip snatd e_CLASS/peer
delete counter ip snatd e_CLASS/default
delete counter ip snatd e_CLASS/peer
delete counter ip snatd t_CLASS/default
`))
}

// The node takes over the class that a pod has: the pod's element goes, and no
// interval is sent.
func TestDiffNodeChangesClass(t *testing.T) {
	strict := excluding()
	before := mustCompile(t, network(), one(base), pod("a/x", "10.0.1.1", strict))
	after := mustCompile(t, network(), one(strict), pod("a/x", "10.0.1.1", strict), pod("a/y", "10.0.1.2", base))
	plan := apply(t, before, after)
	if plan.After.Node != before.Pods[0].Class || plan.After.Pods[0].Class != before.Node {
		t.Errorf("got node %s and pods %+v", plan.After.Node, plan.After.Pods)
	}
	wantOps(t, plan.Ops, `flush chain ip snatd prerouting
add rule ip snatd prerouting iifname != "eni*" return
add rule ip snatd prerouting ct status & confirmed == confirmed goto restore
add rule ip snatd prerouting fib daddr type local return
add rule ip snatd prerouting ip saddr vmap @pods
add rule ip snatd prerouting goto `+before.Pods[0].Class+`
delete element ip snatd pods { 10.0.1.1 : goto `+before.Pods[0].Class+` }
add element ip snatd pods { 10.0.1.2 : goto `+before.Node+` }
`)
}

func TestDiffNetworkChanged(t *testing.T) {
	before := mustCompile(t, network(), one(base))
	n := network()
	n.Primary, n.Randomize = addr("10.0.0.20"), rules.RandomizeNone
	wantOps(t, apply(t, before, mustCompile(t, n, one(base))).Ops, `flush chain ip snatd postrouting
add rule ip snatd postrouting iifname "eni*" oifname != "vlan*" ct mark & 0x00000080 == 0x00000080 snat to 10.0.0.20
`)
	n = network()
	n.NodePorts = true
	with := apply(t, before, mustCompile(t, n, one(base)))
	wantOps(t, with.Ops, `add chain ip snatd nodeports { type filter hook prerouting priority mangle; policy accept; }
add rule ip snatd nodeports iifname "eth0" ct direction original fib daddr type local ct mark set ct mark | 0x00000080
`)
	// Earlier versions marked replies too.
	earlier := with.After.Table()
	chain := slices.IndexFunc(earlier.Chains, func(c nft.Chain) bool { return c.Name == "nodeports" })
	earlier.Chains[chain].Rules = []nft.Rule{{
		nft.InputInterface{Patterns: []string{"eth0"}}, nft.DestinationLocal{}, nft.SetMark{Mark: nft.ConnectionMark, Mask: n.Mark},
	}}
	wantOps(t, rules.Continue(earlier, with.After).Ops, `flush chain ip snatd nodeports
add rule ip snatd nodeports iifname "eth0" ct direction original fib daddr type local ct mark set ct mark | 0x00000080
`)
	wantOps(t, apply(t, with.After, before).Ops, "flush chain ip snatd nodeports\ndelete chain ip snatd nodeports\n")
}

func TestDraining(t *testing.T) {
	n := network()
	n.NodePorts = true
	full := mustCompile(t, n, one(base), pod("a/x", "10.0.1.1", peer, base))
	plan := apply(t, full, rules.Draining(n))
	for _, op := range plan.Ops {
		if d, ok := op.(nft.DeleteChain); ok && d.Name == "postrouting" {
			t.Error("the last chain of type nat goes: live translated connections would break")
		}
	}
	apply(t, plan.After, full)
	wantOps(t, apply(t, plan.After, nil).Ops, "delete table ip snatd\n")
}

func TestReplace(t *testing.T) {
	old := mustCompile(t, network(), one(excluding()))
	for _, after := range []*rules.Ruleset{mustCompile(t, network(), one(base), pod("a/x", "10.0.1.1", peer, base)), nil} {
		for _, kernel := range []*nft.Table{nil, old.Table(), {Name: rules.TableName}} {
			plan := rules.Replace(after)
			got, err := nfttest.Apply(kernel, plan.Ops)
			if err != nil {
				t.Fatal(err)
			}
			if d := diffTables(after.Table(), got); d != "" || plan.After != after {
				t.Errorf("after is %v, %s", plan.After, d)
			}
		}
	}
}

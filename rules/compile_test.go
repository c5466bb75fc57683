package rules_test

import (
	"net/netip"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/rules"
)

func TestCompileFlattens(t *testing.T) {
	for _, c := range []struct {
		name      string
		decisions []rules.Decision
		want      []string
	}{
		{"translate all", one(excluding()), []string{"default translate"}},
		{"exclude all", one(excluding("10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1")), []string{"default exclude"}},
		{"neighbours", one(excluding("10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/32")),
			[]string{"default translate", "10.0.0.0-10.2.0.0 exclude"}},
		{"overlap", one(excluding("10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8")),
			[]string{"default translate", "10.0.0.0-10.255.255.255 exclude"}},
		{"hole", one(module("m", entries(translate, "0.0.0.0/0", "10.1.0.0/16"), entries(exclude, "10.0.0.0/8", "10.1.2.0/24"))),
			[]string{"default translate", "10.0.0.0-10.0.255.255 exclude", "10.1.2.0-10.1.2.255 exclude", "10.2.0.0-10.255.255.255 exclude"}},
		{"hole at the edges", one(module("m", entries(translate, "0.0.0.0/0", "10.0.0.0/32", "10.0.0.255/32"), entries(exclude, "10.0.0.0/24"))),
			[]string{"default translate", "10.0.0.1-10.0.0.254 exclude"}},
		{"one address before a hole", one(module("m", entries(translate, "0.0.0.0/0", "10.0.0.1/32"), entries(exclude, "10.0.0.0/31"))),
			[]string{"default translate", "10.0.0.0-10.0.0.0 exclude"}},
		{"ends of the space", one(excluding("0.0.0.0/32", "255.255.255.255/32")),
			[]string{"default translate", "0.0.0.0-0.0.0.0 exclude", "255.255.255.255-255.255.255.255 exclude"}},
		{"half each", one(excluding("128.0.0.0/1")), []string{"default exclude", "0.0.0.0-127.255.255.255 translate"}},
		{"the first module decides", []rules.Decision{
			module("a", entries(translate, "10.1.0.0/16")),
			module("b"),
			module("c", entries(exclude, "10.1.0.0/24", "10.3.0.0/16")),
			excluding("10.0.0.0/14"),
		}, []string{
			"default translate", "10.0.0.0-10.0.255.255 exclude", "10.1.0.0-10.1.255.255 translate, by a",
			"10.2.0.0-10.2.255.255 exclude", "10.3.0.0-10.3.255.255 exclude, by c",
		}},
		{"a module behind a total one", []rules.Decision{excluding("10.0.0.0/8"), module("z", entries(exclude, "0.0.0.0/0"))},
			[]string{"default translate", "10.0.0.0-10.255.255.255 exclude"}},
		{"the primary address by name", one(module("m",
			entries(to("10.0.0.10"), "0.0.0.0/0", "8.0.0.0/8"),
			entries(translate, "0.0.0.0/0"), entries(exclude, "10.0.0.0/8"))),
			[]string{"default translate", "10.0.0.0-10.255.255.255 exclude"}},
		{"another source for some", []rules.Decision{module("m", entries(to("10.0.0.11"), "8.0.0.0/16", "8.1.0.0/16")), excluding("10.0.0.0/8")},
			[]string{"default translate", "8.0.0.0-8.1.255.255 translate to 10.0.0.11, by m", "10.0.0.0-10.255.255.255 exclude"}},
		{"another source for most", []rules.Decision{module("m", entries(exclude, "10.0.0.0/8"), entries(to("10.0.0.11"), "0.0.0.0/0"), entries(translate, "11.0.0.0/8")), excluding()},
			[]string{"default translate to 10.0.0.11", "10.0.0.0-10.255.255.255 exclude", "11.0.0.0-11.255.255.255 translate"}},
		{"one source inside another", one(module("m", entries(translate, "0.0.0.0/0"), entries(to("10.0.0.11"), "8.0.0.0/8"), entries(to("10.0.0.12"), "8.0.0.0/9"), entries(exclude, "8.0.0.0/10"))),
			[]string{"default translate", "8.0.0.0-8.63.255.255 exclude", "8.64.0.0-8.127.255.255 translate to 10.0.0.12", "8.128.0.0-8.255.255.255 translate to 10.0.0.11"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := mustCompile(t, network(), c.decisions)
			if d := cmp.Diff(c.want, text(nodeClass(t, r))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCompileGroupsPods(t *testing.T) {
	shared := excluding("10.0.0.0/16")
	peer := module("peer", entries(exclude, "10.9.0.0/16"))
	r := mustCompile(t, network(), one(shared),
		pod("a/w", "10.0.1.9", shared),
		pod("a/z", "10.0.1.8", peer, shared),
		pod("a/y", "10.0.1.7", module("none"), peer, excluding("10.0.0.0/17", "10.0.128.0/17")),
		pod("a/x", "10.0.1.6", module("none"), excluding("10.0.0.0/16")),
	)
	if len(r.Classes) != 2 || len(r.Pods) != 2 {
		t.Fatalf("got %d classes and %d pods, want 2 and 2: %+v", len(r.Classes), len(r.Pods), r)
	}
	if r.Pods[0].Addr != addr("10.0.1.7") || r.Pods[1].Addr != addr("10.0.1.8") || r.Pods[0].Class != r.Pods[1].Class {
		t.Errorf("got %+v", r.Pods)
	}
	if r.Pods[0].Class == r.Node {
		t.Error("a pod that follows the node is listed")
	}
	for _, c := range r.Classes {
		if !regexp.MustCompile(`^c_[0-9a-f]{12}$`).MatchString(c.Name) {
			t.Errorf("class name %q", c.Name)
		}
	}
}

// Pods to whom other modules say the same are counted apart, unless nobody is counted.
func TestCompileTellsModulesApart(t *testing.T) {
	node, x := excluding("10.0.0.0/16", "10.9.0.0/16"), module("peer", entries(exclude, "10.9.0.0/16"))
	n := network()
	r := mustCompile(t, n, one(node), pod("a/x", "10.0.1.6", x, excluding("10.0.0.0/16")))
	if len(r.Classes) != 2 || len(r.Pods) != 1 {
		t.Errorf("got %+v", r)
	}
	n.Uncounted = true
	r = mustCompile(t, n, one(node), pod("a/x", "10.0.1.6", x, excluding("10.0.0.0/16")))
	if len(r.Classes) != 1 || len(r.Pods) != 0 || len(r.Table().Counters) != 0 {
		t.Errorf("uncounted: got %+v", r)
	}
}

// Equal decisions in any order are the same ruleset.
func TestCompileIsCanonical(t *testing.T) {
	first := excluding("10.0.0.0/16", "10.5.0.0/16", "192.168.0.0/24")
	second := excluding("192.168.0.0/24", "10.5.0.0/16", "10.0.0.0/16")
	slices.Reverse(second.Entries)
	peer := module("peer", entries(exclude, "10.9.0.0/16"))
	n := network()
	n.PodInterfaces = []string{"eni*", "veth*"}
	a := mustCompile(t, n, one(first), pod("a/x", "10.0.1.1", peer, first), pod("a/y", "10.0.1.2", excluding()))
	n.PodInterfaces = []string{"veth1", "veth*", "eni*"}
	b := mustCompile(t, n, one(second), pod("a/y", "10.0.1.2", excluding()), pod("a/x", "10.0.1.1", peer, second))
	if d := cmp.Diff(a, b, cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreUnexported(rules.Class{})); d != "" {
		t.Error(d)
	}
	if a.Digest() != b.Digest() {
		t.Errorf("digests %s and %s", a.Digest(), b.Digest())
	}
	if len(a.Digest()) != 64 || (*rules.Ruleset)(nil).Digest() != "" {
		t.Errorf("digest %q, without a ruleset %q", a.Digest(), (*rules.Ruleset)(nil).Digest())
	}
	if c := mustCompile(t, n, one(first)); c.Digest() == a.Digest() {
		t.Error("another ruleset has the same digest")
	}
}

func TestCompileErrors(t *testing.T) {
	good := excluding("10.0.0.0/16")
	for _, c := range []struct {
		name string
		node rules.Decision
		pods []rules.Decided
		want string
	}{
		{"nothing decided", module("default"), nil,
			`subject "node": no decision covers 0.0.0.0: accepted is a last module that covers 0.0.0.0/0`},
		{"a gap", good, []rules.Decided{pod("a/x", "10.0.1.1", module("m", entries(exclude, "0.0.0.0/1", "192.0.0.0/2")))},
			`subject "a/x": no decision covers 128.0.0.0: accepted is a last module that covers 0.0.0.0/0`},
		{"a gap at the end", module("default", entries(exclude, "0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3")), nil,
			`subject "node": no decision covers 224.0.0.0: accepted is a last module that covers 0.0.0.0/0`},
		{"a decision in error", good, []rules.Decided{pod("a/x", "10.0.1.1", module("m", entries(exclude, "10.0.0.1/8")), good)},
			`subject "a/x": module "m": entry 1: prefix 10.0.0.1/8 has host bits set: accepted is 10.0.0.0/8`},
		{"a source that no node has", good, []rules.Decided{pod("a/x", "10.0.1.1", module("m", entries(to("127.0.0.1"), "8.0.0.0/8")), good)},
			`subject "a/x": module "m": entry 1: prefix 8.0.0.0/8: source 127.0.0.1: accepted is an IPv4 address of the node, or none for the primary one`},
		{"one prefix with two sources", good, []rules.Decided{pod("a/x", "10.0.1.1",
			module("m", entries(to("10.0.0.11"), "8.0.0.0/8"), entries(translate, "8.0.0.0/8")), good)},
			`subject "a/x": module "m": prefix 8.0.0.0/8 is decided twice: translate to 10.0.0.11, and translate; accepted is one outcome per prefix`},
		{"two ways to say the primary address are no contradiction", module("default", entries(translate, "0.0.0.0/0"),
			entries(to("10.0.0.10"), "0.0.0.0/0")), nil, ""},
		{"two pods, one address", good, []rules.Decided{pod("b/y", "10.0.1.1", good), pod("c/z", "10.0.1.2", good), pod("a/x", "10.0.1.1", good)},
			`subjects "a/x" and "b/y": both have the address 10.0.1.1: accepted is one pod per address`},
		{"a pod without an address", good, []rules.Decided{{Subject: rules.Subject{Name: "a/x"}, Decisions: one(good)}},
			`subject "a/x": address "": accepted is the pod's own IPv4 address`},
		{"a pod with an IPv6 address", good, []rules.Decided{pod("a/x", "fd00::1", good)},
			`subject "a/x": address "fd00::1": accepted is the pod's own IPv4 address`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := rules.Compile(network(), one(c.node), c.pods)
			sameError(t, err, c.want)
			if err != nil && r != nil {
				t.Error("a ruleset beside an error")
			}
		})
	}
}

func TestLookupWithoutTable(t *testing.T) {
	for _, r := range []*rules.Ruleset{nil, rules.Draining(network())} {
		if got := r.Lookup(addr("10.0.1.1"), addr("8.8.8.8")); got != exclude {
			t.Errorf("got %s", got)
		}
	}
	if got := mustCompile(t, network(), one(excluding())).Lookup(addr("10.0.1.1"), addr("fd00::1")); got != exclude {
		t.Errorf("IPv6: got %s", got)
	}
}

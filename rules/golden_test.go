package rules_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/rules"
)

var update = flag.Bool("update", false, "write the files in testdata")

// golden are the rulesets whose text is in testdata, by the name of the file.
func golden(t testing.TB) map[string]*rules.Ruleset {
	vpc := excluding("10.0.0.0/16", "10.1.0.0/16", "192.168.0.0/24", "203.0.113.7/32")
	with := func(change func(*rules.Network)) *rules.Ruleset {
		n := network()
		change(&n)
		return mustCompile(t, n, one(vpc))
	}
	nodePorts := network()
	nodePorts.NodePorts = true
	return map[string]*rules.Ruleset{
		"default": with(func(*rules.Network) {}),
		"two-classes": mustCompile(t, network(), one(vpc),
			pod("a/x", "10.0.1.5", module("peer", entries(exclude, "10.9.0.0/16"), entries(translate, "10.0.9.0/30")), vpc),
			pod("a/y", "10.0.1.6", module("peer", entries(exclude, "10.9.0.0/16"), entries(translate, "10.0.9.0/30")), vpc),
			pod("a/z", "10.0.1.7", vpc)),
		"external":       mustCompile(t, network(), one(module("default", entries(exclude, "0.0.0.0/0")))),
		"pod-interfaces": with(func(n *rules.Network) { n.PodInterfaces = []string{"veth7", "eni*", "eni1"} }),
		"no-exempt":      with(func(n *rules.Network) { n.ExemptInterfaces = nil }),
		"prng":           with(func(n *rules.Network) { n.Randomize = rules.RandomizePRNG }),
		"hashrandom":     with(func(n *rules.Network) { n.Randomize = rules.RandomizeHash }),
		"none":           with(func(n *rules.Network) { n.Randomize = rules.RandomizeNone }),
		"mark":           with(func(n *rules.Network) { n.Mark = 0x00040000 }),
		"node-ports":     mustCompile(t, nodePorts, one(vpc)),
		"draining":       rules.Draining(network()),
		"uncounted":      with(func(n *rules.Network) { n.Uncounted = true }),
		"modules": mustCompile(t, network(), []rules.Decision{
			module("10-Ünusual name/\n\"", entries(exclude, "10.9.0.0/16")),
			module(strings.Repeat("20-long", 40), entries(translate, "10.0.9.0/24")), vpc,
		}),
		"sources": mustCompile(t, network(), one(vpc),
			pod("a/all", "10.0.1.5", egress("0.0.0.0/0", "10.0.0.11", "10.0.0.0/8"), vpc),
			pod("a/one", "10.0.1.6", egress("198.51.100.0/24", "10.0.0.11"), vpc),
			pod("a/two", "10.0.1.7", egress("198.51.100.0/24", "10.0.0.11"), egress("198.51.101.0/24", "10.0.0.12"), vpc),
			pod("a/none", "10.0.1.8", module("peer", entries(exclude, "10.9.0.0/16")), vpc)),
		"sources-node": mustCompile(t, with(func(n *rules.Network) { n.Randomize = rules.RandomizeHash }).Network,
			[]rules.Decision{egress("0.0.0.0/0", "10.0.0.11", "10.0.0.0/8"), vpc},
			pod("a/primary", "10.0.1.5", vpc)),
	}
}

// goldenPlans are plans whose text is in testdata.
func goldenPlans(t testing.TB) map[string]rules.Plan {
	r := golden(t)
	wider := mustCompile(t, network(), one(excluding("10.0.0.0/16", "10.1.0.0/16", "192.168.0.0/23", "203.0.113.7/32", "198.51.100.0/24")))
	return map[string]rules.Plan{
		"plan-full":    rules.Diff(nil, r["two-classes"]),
		"plan-replace": rules.Replace(r["default"]),
		"plan-cidrs":   rules.Diff(r["default"], wider),
		"plan-class":   rules.Diff(r["default"], r["two-classes"]),
		"plan-drain":   rules.Diff(r["two-classes"], r["draining"]),
		"plan-sources": rules.Diff(r["default"], r["sources"]),
	}
}

func TestGolden(t *testing.T) {
	texts := map[string]string{}
	for name, r := range golden(t) {
		texts[name] = r.Table().String()
	}
	for name, p := range goldenPlans(t) {
		texts[name] = p.Ops.String()
	}
	for name, got := range texts {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name+".nft")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s differs; if that is meant, run this test with -update: %s", path, d)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.nft")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := filepath.Base(f); texts[name[:len(name)-len(".nft")]] == "" {
			t.Errorf("%s belongs to no test", f)
		}
	}
}

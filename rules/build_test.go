package rules_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

var (
	exclude    = rules.Outcome{Action: rules.Exclude}
	translate  = rules.Outcome{Action: rules.Translate}
	everywhere = netip.MustParsePrefix("0.0.0.0/0")
)

// network is what most tests compile for.
func network() rules.Network {
	return rules.Network{
		PodInterfaces:    []string{"eni*"},
		ExemptInterfaces: []string{"vlan*"},
		Primary:          netip.MustParseAddr("10.0.0.10"),
		Mark:             0x80,
		Randomize:        rules.RandomizePRNG,
		PrimaryInterface: "eth0",
	}
}

// to is an outcome with another source than the primary address.
func to(source string) rules.Outcome {
	return rules.Outcome{Action: rules.Translate, Source: addr(source)}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func entries(o rules.Outcome, prefixes ...string) []rules.Entry {
	var all []rules.Entry
	for _, p := range prefixes {
		all = append(all, rules.Entry{Prefix: netip.MustParsePrefix(p), Outcome: o})
	}
	return all
}

func module(name string, parts ...[]rules.Entry) rules.Decision {
	d := rules.Decision{Module: name}
	for _, p := range parts {
		d.Entries = append(d.Entries, p...)
	}
	return d
}

// excluding is what the default module decides with these networks excluded.
func excluding(prefixes ...string) rules.Decision {
	return module("default", entries(translate, "0.0.0.0/0"), entries(exclude, prefixes...))
}

// egress is a drop-in that gives a network another source, but for some inside.
func egress(prefix, source string, excluded ...string) rules.Decision {
	return module("egress", entries(to(source), prefix), entries(exclude, excluded...))
}

func pod(name, address string, decisions ...rules.Decision) rules.Decided {
	return rules.Decided{Subject: rules.Subject{Name: name, Addr: addr(address)}, Decisions: decisions}
}

func one(d rules.Decision) []rules.Decision { return []rules.Decision{d} }

func mustCompile(t testing.TB, n rules.Network, node []rules.Decision, pods ...rules.Decided) *rules.Ruleset {
	t.Helper()
	r, err := rules.Compile(n, node, pods)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// text is one line per interval, for tests to be read. It names modules other than the
// default's.
func text(c rules.Class) []string {
	lines := []string{"default " + c.Default.String()}
	for _, i := range c.Intervals {
		line := i.First.String() + "-" + i.Last.String() + " " + i.Outcome.String()
		if i.Module != c.Module {
			line += ", by " + i.Module
		}
		lines = append(lines, line)
	}
	return lines
}

// nodeClass finds the class that decides for unknown sources.
func nodeClass(t *testing.T, r *rules.Ruleset) rules.Class {
	t.Helper()
	for _, c := range r.Classes {
		if c.Name == r.Node {
			return c
		}
	}
	t.Fatalf("no class %q", r.Node)
	return rules.Class{}
}

func diffTables(want, got *nft.Table) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}))
}

func sameError(t *testing.T, got error, want string) {
	t.Helper()
	switch {
	case got == nil && want != "":
		t.Errorf("no error, want %q", want)
	case got != nil && got.Error() != want:
		t.Errorf("error %q, want %q", got, want)
	}
}

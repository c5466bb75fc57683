package rules_test

import (
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules"
)

func TestChanged(t *testing.T) {
	pod := netip.MustParseAddr("10.0.1.5")
	entry := func(prefix string, action rules.Action) rules.Entry {
		return rules.Entry{Prefix: netip.MustParsePrefix(prefix), Outcome: rules.Outcome{Action: action}}
	}
	rest := rules.Decision{Module: "default", Entries: []rules.Entry{entry("10.0.0.0/16", rules.Exclude), entry("0.0.0.0/0", rules.Translate)}}
	compile := func(entries ...rules.Entry) *rules.Ruleset {
		t.Helper()
		decisions := []rules.Decision{{Module: "a", Entries: entries}, rest}
		network := rules.Network{
			PodInterfaces: []string{"eni*"}, Primary: netip.MustParseAddr("10.0.0.10"), Mark: 0x80, Randomize: rules.RandomizePRNG,
		}
		ruleset, err := rules.Compile(network, []rules.Decision{rest}, []rules.Decided{{Subject: rules.Subject{Name: "a/b", Addr: pod}, Decisions: decisions}})
		if err != nil {
			t.Fatal(err)
		}
		return ruleset
	}
	for _, test := range []struct {
		entries []rules.Entry
		want    uint64
	}{
		{nil, 0},
		{[]rules.Entry{entry("10.0.0.0/24", rules.Exclude)}, 0},
		{[]rules.Entry{entry("192.0.2.0/24", rules.Exclude)}, 256},
		{[]rules.Entry{entry("10.0.1.0/24", rules.Translate)}, 256},
		{[]rules.Entry{entry("10.0.0.0/15", rules.Exclude), entry("0.0.0.0/32", rules.Exclude), entry("255.255.255.255/32", rules.Exclude)}, 1<<16 + 2},
		{[]rules.Entry{entry("0.0.0.0/0", rules.Exclude)}, 1<<32 - 1<<16},
		{[]rules.Entry{entry("0.0.0.0/0", rules.Exclude), entry("10.0.0.0/16", rules.Translate)}, 1 << 32},
	} {
		before, after := compile(), compile(test.entries...)
		if got := rules.Changed(before, after, pod); got != test.want {
			t.Errorf("%v: %d addresses, want %d", test.entries, got, test.want)
		}
		if got := rules.Changed(after, before, pod); got != test.want {
			t.Errorf("%v, backwards: %d addresses, want %d", test.entries, got, test.want)
		}
		if got := rules.Changed(before, after, netip.Addr{}); got != 0 {
			t.Errorf("%v: %d addresses of the node, want 0", test.entries, got)
		}
	}
}

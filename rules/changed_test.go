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
		listed := uint64(0)
		for _, c := range rules.Changes(before, after, pod) {
			if c.Before.Outcome != c.After.Outcome {
				listed += c.Size()
			}
			if c.Before == c.After || c.After.Outcome != told(after, pod, c.First) || c.Before.Outcome != told(before, pod, c.Last) {
				t.Errorf("%v: listed %+v", test.entries, c)
			}
		}
		if listed != test.want {
			t.Errorf("%v: %d addresses listed, want %d", test.entries, listed, test.want)
		}
		if got := rules.Changed(before, after, netip.Addr{}); got != 0 {
			t.Errorf("%v: %d addresses of the node, want 0", test.entries, got)
		}
	}
}

// told is an outcome with the address that it translates to.
func told(r *rules.Ruleset, src, dst netip.Addr) rules.Outcome {
	o := r.Lookup(src, dst)
	if o.Action == rules.Translate && !o.Source.IsValid() {
		o.Source = r.Network.Primary
	}
	return o
}

// Without rules nothing is translated, and another primary address changes what is.
func TestChangesOfTheWhole(t *testing.T) {
	all := []rules.Decision{{Module: "default", Entries: []rules.Entry{{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Outcome: rules.Outcome{Action: rules.Translate}}}}}
	compile := func(primary string) *rules.Ruleset {
		network := rules.Network{PodInterfaces: []string{"eni*"}, Primary: netip.MustParseAddr(primary), Mark: 0x80, Randomize: rules.RandomizePRNG}
		r, err := rules.Compile(network, all, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, other := compile("10.0.0.10"), compile("10.0.0.11")
	for name, before := range map[string]*rules.Ruleset{"nothing": nil, "draining": rules.Draining(one.Network), "another address": other} {
		changes := rules.Changes(before, one, netip.Addr{})
		if len(changes) != 1 || changes[0].Size() != 1<<32 || changes[0].After.Source != one.Network.Primary || changes[0].After.Module != "default" {
			t.Errorf("%s: %+v", name, changes)
		}
	}
	if changes := rules.Changes(one, one, netip.Addr{}); changes != nil {
		t.Errorf("of nothing: %+v", changes)
	}
}

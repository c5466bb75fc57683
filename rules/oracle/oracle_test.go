package oracle_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/oracle"
)

func entry(prefix string, o rules.Outcome) rules.Entry {
	return rules.Entry{Prefix: netip.MustParsePrefix(prefix), Outcome: o}
}

func TestOracle(t *testing.T) {
	exclude, translate := rules.Outcome{Action: rules.Exclude}, rules.Outcome{Action: rules.Translate}
	primary := netip.MustParseAddr("10.0.0.10")
	last := rules.Decision{Entries: []rules.Entry{
		entry("10.0.0.0/8", exclude),
		entry("0.0.0.0/0", rules.Outcome{Action: rules.Translate, Source: primary}),
		entry("10.7.0.0/20", translate),
	}}
	other := rules.Outcome{Action: rules.Translate, Source: netip.MustParseAddr("10.0.0.11")}
	first := rules.Decision{Entries: []rules.Entry{
		entry("10.7.0.0/16", exclude), entry("8.8.8.8/32", exclude), entry("9.0.0.0/8", other),
	}}
	pod := netip.MustParseAddr("10.0.1.1")
	o := oracle.New(rules.Network{Primary: primary}, []rules.Decision{last}, []rules.Decided{
		{Subject: rules.Subject{Addr: pod}, Decisions: []rules.Decision{first, last}},
	})
	for _, c := range []struct {
		src, dst string
		want     rules.Outcome
	}{
		{"10.0.1.2", "8.8.8.8", translate},
		{"10.0.1.2", "10.7.0.1", translate},
		{"10.0.1.2", "10.7.16.0", exclude},
		{"10.0.1.1", "8.8.8.8", exclude},
		{"10.0.1.1", "8.8.8.9", translate},
		{"10.0.1.1", "9.9.9.9", other},
		{"10.0.1.2", "9.9.9.9", translate},
		{"10.0.1.1", "10.7.0.1", exclude},
	} {
		if got := o.Lookup(netip.MustParseAddr(c.src), netip.MustParseAddr(c.dst)); got != c.want {
			t.Errorf("%s to %s: got %v, want %v", c.src, c.dst, got, c.want)
		}
	}
	boundaries := o.Boundaries()
	for _, a := range []string{"0.0.0.0", "255.255.255.255", "9.255.255.255", "10.0.0.0", "10.7.15.255", "10.7.16.0", "8.8.8.7", "8.8.8.9"} {
		if !slices.Contains(boundaries, netip.MustParseAddr(a)) {
			t.Errorf("%s is missing in %v", a, boundaries)
		}
	}
}

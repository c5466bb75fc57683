package sdk_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/snatd/snatd/sdk"
)

func TestBool(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		want  bool
		err   string
	}{
		{sdk.Map{}, false, ""},
		{sdk.Map{"snat.external": "false"}, false, ""},
		{sdk.Map{"snat.external": "true"}, true, ""},
		{sdk.Map{"snat.external": "yes"}, false, `fact snat.external: "yes" is not a bool, want "true" or "false"`},
		{sdk.Map{"snat.external": ""}, false, `fact snat.external: "" is not a bool, want "true" or "false"`},
	} {
		got, err := facts(test.facts).SNATExternal()
		if got != test.want || text(err) != test.err {
			t.Errorf("%v: got %v, %q, want %v, %q", test.facts, got, text(err), test.want, test.err)
		}
	}
}

func TestAddress(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		want  netip.Addr
		ok    bool
		err   string
	}{
		{sdk.Map{}, netip.Addr{}, false, ""},
		{sdk.Map{"pod.ip": "10.0.1.5"}, netip.MustParseAddr("10.0.1.5"), true, ""},
		{sdk.Map{"pod.ip": ""}, netip.Addr{}, false, `fact pod.ip: "" is not an IPv4 address, want one such as 10.0.0.10`},
		{sdk.Map{"pod.ip": "fd00::5"}, netip.Addr{}, false, `fact pod.ip: "fd00::5" is not an IPv4 address, want one such as 10.0.0.10`},
	} {
		got, ok, err := facts(test.facts).PodIP()
		if got != test.want || ok != test.ok || text(err) != test.err {
			t.Errorf("%v: got %v, %v, %q, want %v, %v, %q", test.facts, got, ok, text(err), test.want, test.ok, test.err)
		}
	}
}

func TestPrefixes(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		want  []string
		ok    bool
		err   string
	}{
		{sdk.Map{}, nil, false, ""},
		{sdk.Map{"vpc.cidrs": ""}, nil, true, ""},
		{sdk.Map{"vpc.cidrs": sdk.List("10.0.0.0/16")}, []string{"10.0.0.0/16"}, true, ""},
		{sdk.Map{"vpc.cidrs": sdk.List("10.0.0.0/16", "10.1.0.0/16")}, []string{"10.0.0.0/16", "10.1.0.0/16"}, true, ""},
		{sdk.Map{"vpc.cidrs": "10.0.0.0/16"}, nil, false, "fact vpc.cidrs: the last item of the list is not ended by a NUL byte"},
		{sdk.Map{"vpc.cidrs": "\x00"}, nil, false, `fact vpc.cidrs: "" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
		{sdk.Map{"vpc.cidrs": sdk.List("10.0.0.1/16")}, nil, false, `fact vpc.cidrs: "10.0.0.1/16" has host bits set, write 10.0.0.0/16`},
	} {
		got, ok, err := facts(test.facts).VPCCIDRs()
		if !slices.Equal(texts(got), test.want) || ok != test.ok || text(err) != test.err {
			t.Errorf("%q: got %v, %v, %q, want %v, %v, %q", test.facts, got, ok, text(err), test.want, test.ok, test.err)
		}
	}
}

func TestFamilyOfFacts(t *testing.T) {
	f := facts(sdk.Map{"pod.label.tier": "", "pod.label.app": "web", "pod.labels": "x", "pod.name": "web-1"})
	if got := f.PodLabelKeys(); !slices.Equal(got, []string{"app", "tier"}) {
		t.Errorf("keys: got %q", got)
	}
	if got := f.ConfigKeys(); len(got) != 0 {
		t.Errorf("keys of no setting: got %q", got)
	}
	for _, test := range []struct {
		key, want string
		ok        bool
	}{{"app", "web", true}, {"tier", "", true}, {"zone", "", false}} {
		if got, ok := f.PodLabel(test.key); got != test.want || ok != test.ok {
			t.Errorf("label %s: got %q, %v, want %q, %v", test.key, got, ok, test.want, test.ok)
		}
	}
}

func facts(m sdk.Map) sdk.Facts { return sdk.Facts{Source: m} }

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func texts(prefixes []netip.Prefix) []string {
	var out []string
	for _, p := range prefixes {
		out = append(out, p.String())
	}
	return out
}

package excludebynamespace_test

import (
	"net/netip"
	"slices"
	"testing"

	excludebynamespace "github.com/snatd/snatd/examples/exclude-by-namespace"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	byValue := sdk.Map{"config.label": "egress", "config.value": "own-address", "config.cidrs": "10.1.0.0/16, 192.168.0.0/24"}
	byKey := sdk.Map{"config.label": "egress", "config.cidrs": "10.1.0.0/16, 192.168.0.0/24"}
	empty := sdk.Map{"config.label": "egress", "config.value": "", "config.cidrs": "10.1.0.0/16"}
	for _, test := range []struct {
		name   string
		config sdk.Map
		facts  sdk.Map
		want   []string
	}{
		{"value", byValue, sdk.Map{"namespace.label.egress": "own-address"}, []string{"10.1.0.0/16", "192.168.0.0/24"}},
		{"another value", byValue, sdk.Map{"namespace.label.egress": "node-address"}, nil},
		{"no label", byValue, sdk.Map{"namespace.label.team": "own-address"}, nil},
		{"the pod's label", byValue, sdk.Map{"pod.label.egress": "own-address"}, nil},
		{"one that is not known", byValue, sdk.Map{"subject.kind": "node"}, nil},
		{"any value", byKey, sdk.Map{"namespace.label.egress": ""}, []string{"10.1.0.0/16", "192.168.0.0/24"}},
		{"no label at all", byKey, nil, nil},
		{"empty value", empty, sdk.Map{"namespace.label.egress": ""}, []string{"10.1.0.0/16"}},
		{"not the empty value", empty, sdk.Map{"namespace.label.egress": "own-address"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := sdk.Map{}
			for _, from := range []sdk.Map{test.config, test.facts} {
				for key, value := range from {
					facts[key] = value
				}
			}
			decision, err := sdk.Run(excludebynamespace.Decide, facts)
			if err != nil {
				t.Fatal(err)
			}
			var want []sdk.Entry
			for _, prefix := range test.want {
				want = append(want, sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "namespace label egress"})
			}
			if got := decision.Entries(); !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// What Validate refuses, Decide refuses too: it may run without having been
// validated. Only it cannot know of a setting that it does not read, and a value that
// no label has is none that it meets.
func TestConfiguration(t *testing.T) {
	const noCIDRs = `config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`
	const noLabel = `config label: missing or empty, want the key of a label such as "example.com/egress"`
	const key = `want at most 63 letters, digits, "-", "_" and ".", with an optional DNS name before a "/", such as "example.com/egress"`
	for _, test := range []struct {
		facts   sdk.Map
		err     string
		decides bool
	}{
		{sdk.Map{"config.label": "egress", "config.value": "x", "config.cidrs": "10.1.0.0/16"}, "", true},
		{sdk.Map{}, noLabel, false},
		{sdk.Map{"config.label": "", "config.cidrs": "10.1.0.0/16"}, noLabel, false},
		{sdk.Map{"config.label": "egress"}, noCIDRs, false},
		{sdk.Map{"config.label": "own address", "config.cidrs": "10.1.0.0/16"}, `config label: "own address" is no key in Kubernetes, ` + key, false},
		{sdk.Map{"config.label": "Example.com/egress", "config.cidrs": "10.1.0.0/16"}, `config label: "Example.com/egress" is no key in Kubernetes, ` + key, false},
		{sdk.Map{"config.label": "egress", "config.value": "own address", "config.cidrs": "10.1.0.0/16"},
			`config value: "own address" is no value of a label in Kubernetes, want at most 63 letters, digits, "-", "_" and ".", such as "own-address"`, true},
		{sdk.Map{"config.label": "egress", "config.cidrs": "vpc"}, `config cidrs: "vpc" is not an IPv4 prefix, want one such as 10.0.0.0/8`, false},
		{sdk.Map{"config.label": "egress", "config.cidrs": "10.1.0.0/16", "config.values": "x"},
			`config "values" is not a setting, want label, value or cidrs`, true},
	} {
		if got := text(excludebynamespace.Validate(sdk.Facts{Source: test.facts})); got != test.err {
			t.Errorf("%v:\ngot  %s\nwant %s", test.facts, got, test.err)
		}
		test.facts["namespace.label.egress"] = "x"
		if _, err := sdk.Run(excludebynamespace.Decide, test.facts); (err == nil) != test.decides || !test.decides && err.Error() != test.err {
			t.Errorf("%v: decides with %v", test.facts, err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

package excludebylabel_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	excludebylabel "github.com/snatd/snatd/examples/exclude-by-label"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	const byKey, byValue = "example.com/egress", "example.com/egress=own-address"
	for _, test := range []struct {
		name   string
		label  string // setting
		cidrs  string // setting
		labels sdk.Map
		want   []sdk.Entry
	}{
		{"value", byValue, "10.1.0.0/16, 192.168.0.0/24", sdk.Map{"pod.label.example.com/egress": "own-address"}, []sdk.Entry{
			exclude("10.1.0.0/16", "label example.com/egress=own-address"),
			exclude("192.168.0.0/24", "label example.com/egress=own-address"),
		}},
		{"another value", byValue, "10.1.0.0/16", sdk.Map{"pod.label.example.com/egress": "node-address"}, nil},
		{"no value", byValue, "10.1.0.0/16", sdk.Map{"pod.label.example.com/egress": ""}, nil},
		{"another label", byValue, "10.1.0.0/16", sdk.Map{"pod.label.egress": "own-address"}, nil},
		{"no label", byValue, "10.1.0.0/16", nil, nil},
		{"one that is not known", byValue, "10.1.0.0/16", sdk.Map{"subject.kind": "node"}, nil},
		{"key", byKey, "10.1.0.0/16", sdk.Map{"pod.label.example.com/egress": "node-address"}, []sdk.Entry{
			exclude("10.1.0.0/16", "label example.com/egress"),
		}},
		{"key without a value", byKey, "10.1.0.0/16", sdk.Map{"pod.label.example.com/egress": ""}, []sdk.Entry{
			exclude("10.1.0.0/16", "label example.com/egress"),
		}},
		{"key that is absent", byKey, "10.1.0.0/16", sdk.Map{"pod.label.egress": ""}, nil},
		{"empty value", "egress=", "10.1.0.0/16", sdk.Map{"pod.label.egress": ""}, []sdk.Entry{
			exclude("10.1.0.0/16", "label egress="),
		}},
		{"not the empty value", "egress=", "10.1.0.0/16", sdk.Map{"pod.label.egress": "own-address"}, nil},
		{"everywhere", "egress", "0.0.0.0/0", sdk.Map{"pod.label.egress": "x"}, []sdk.Entry{exclude("0.0.0.0/0", "label egress")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := sdk.Map{"config.label": test.label, "config.cidrs": test.cidrs}
			for key, value := range test.labels {
				facts[key] = value
			}
			decision, err := sdk.Run(excludebylabel.Decide, facts)
			if err != nil {
				t.Fatal(err)
			}
			if got := decision.Entries(); !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	const noCIDRs = `config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`
	for _, test := range []struct {
		name  string
		facts sdk.Map
		err   string
	}{
		{"good", sdk.Map{"config.label": "egress=own-address", "config.cidrs": "10.1.0.0/16"}, ""},
		{"no configuration", sdk.Map{},
			`config label: missing or empty, want key or key=value, such as "example.com/egress=own-address"`},
		{"no label", sdk.Map{"config.cidrs": "10.1.0.0/16"},
			`config label: missing or empty, want key or key=value, such as "example.com/egress=own-address"`},
		{"no networks", sdk.Map{"config.label": "egress"}, noCIDRs},
		{"no prefixes", sdk.Map{"config.label": "egress", "config.cidrs": " , "}, noCIDRs},
		{"host bits", sdk.Map{"config.label": "egress", "config.cidrs": "10.1.0.1/16"},
			`config cidrs: "10.1.0.1/16" has host bits set, write 10.1.0.0/16`},
		{"mistyped", sdk.Map{"config.label": "egress", "config.cidr": "10.1.0.0/16"},
			`config "cidr" is not a setting, want label or cidrs`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := excludebylabel.Validate(sdk.Facts{Source: test.facts}); err != nil {
				got = err.Error()
			}
			if got != test.err {
				t.Errorf("got  %q\nwant %q", got, test.err)
			}
		})
	}
}

// What no pod can have as a label is refused: it would be a module that does
// nothing.
func TestLabels(t *testing.T) {
	long := strings.Repeat("a", 63)
	for label, accepted := range map[string]bool{
		"a":                                   true,
		"A.b_c-1":                             true,
		"a=":                                  true,
		"example.com/a=1.2":                   true,
		long + "=" + long:                     true,
		strings.Repeat("a", 253) + "/" + long: true,
		long + "a":                            false,
		"a=" + long + "a":                     false,
		strings.Repeat("a", 254) + "/" + "a":  false,
		"=a":                                  false,
		"a==b":                                false,
		"a=b=c":                               false,
		"a = b":                               false,
		"a: b":                                false,
		"a!=b":                                false,
		"a in (b, c)":                         false,
		"a, b":                                false,
		"-a":                                  false,
		"a.":                                  false,
		"/a":                                  false,
		"a/":                                  false,
		"a/b/c":                               false,
		"b\u00fccher":                         false,
	} {
		want := ""
		if !accepted {
			want = `config label: "` + label + `" is not a label, want key or key=value, such as "example.com/egress=own-address"`
		}
		got := ""
		if err := excludebylabel.Validate(sdk.Facts{Source: sdk.Map{"config.label": label, "config.cidrs": "10.1.0.0/16"}}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// What Validate refuses, Decide refuses too: it may run without having been
// validated.
func TestDecideWithoutConfiguration(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		err   string
	}{
		{sdk.Map{"pod.label.egress": ""},
			`config label: missing or empty, want key or key=value, such as "example.com/egress=own-address"`},
		{sdk.Map{"pod.label.egress": "", "config.label": "egress"},
			`config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
	} {
		if _, err := sdk.Run(excludebylabel.Decide, test.facts); err == nil || err.Error() != test.err {
			t.Errorf("got  %v\nwant %s", err, test.err)
		}
	}
}

func exclude(prefix, why string) sdk.Entry {
	return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: why}
}

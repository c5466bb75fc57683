package excludecidrs_test

import (
	"net/netip"
	"slices"
	"testing"

	excludecidrs "github.com/snatd/snatd/examples/exclude-cidrs"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	for _, test := range []struct {
		name  string
		facts sdk.Map
		want  []sdk.Entry
	}{
		{"every pod", sdk.Map{"config.cidrs": "10.1.0.0/16, 192.168.0.0/24", "config.why": "peered vpc"}, []sdk.Entry{
			exclude("10.1.0.0/16", "peered vpc"), exclude("192.168.0.0/24", "peered vpc"),
		}},
		{"no reason given", sdk.Map{"config.cidrs": "10.1.0.0/16"}, []sdk.Entry{
			exclude("10.1.0.0/16", "excluded by the drop-in's configuration"),
		}},
		{"one outside the namespace", sdk.Map{"config.cidrs": "10.1.0.0/16", "config.namespace": "team-a", "pod.namespace": "team-b"}, nil},
		{"one that is not known", sdk.Map{"config.cidrs": "10.1.0.0/16", "config.namespace": "team-a", "subject.kind": "node"}, nil},
		{"one in the namespace", sdk.Map{"config.cidrs": "10.1.0.0/16", "config.namespace": "team-a", "pod.namespace": "team-a", "config.why": "lab"},
			[]sdk.Entry{exclude("10.1.0.0/16", "lab")}},
		{"everything", sdk.Map{"config.cidrs": "0.0.0.0/0", "config.why": "no translation"}, []sdk.Entry{exclude("0.0.0.0/0", "no translation")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(excludecidrs.Decide, test.facts)
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
	for _, test := range []struct {
		name  string
		facts sdk.Map
		err   string
	}{
		{"good", sdk.Map{"config.cidrs": "10.1.0.0/16", "config.why": "peered vpc", "config.namespace": "team-a"}, ""},
		{"no configuration", sdk.Map{},
			`config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
		{"no prefixes", sdk.Map{"config.cidrs": " , "},
			`config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
		{"host bits", sdk.Map{"config.cidrs": "10.1.0.1/16"},
			`config cidrs: "10.1.0.1/16" has host bits set, write 10.1.0.0/16`},
		{"mistyped", sdk.Map{"config.cidr": "10.1.0.0/16"},
			`config "cidr" is not a setting, want cidrs, why or namespace`},
		{"empty namespace", sdk.Map{"config.cidrs": "10.1.0.0/16", "config.namespace": ""},
			"config namespace: empty, name one or leave the setting out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := excludecidrs.Validate(sdk.Facts{Source: test.facts}); err != nil {
				got = err.Error()
			}
			if got != test.err {
				t.Errorf("got  %q\nwant %q", got, test.err)
			}
		})
	}
}

// What Validate refuses, Decide refuses too: it may run without having been
// validated.
func TestDecideWithoutConfiguration(t *testing.T) {
	_, err := sdk.Run(excludecidrs.Decide, sdk.Map{"pod.namespace": "team-a"})
	if want := `config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func exclude(prefix, why string) sdk.Entry {
	return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: why}
}

package excludebyannotation_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	excludebyannotation "github.com/snatd/snatd/examples/exclude-by-annotation"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	var many []string
	for i := range 17 {
		many = append(many, fmt.Sprintf("10.1.%d.0/24", i))
	}
	const is, no = "annotation keep: ", " is not allowed, want a part of what the setting within lists"
	for _, test := range []struct {
		name, wish string
		want       []string
		lines      []string
	}{
		{"all that is allowed", "10.1.0.0/16", []string{"10.1.0.0/16"}, nil},
		{"parts", "10.1.2.0/24,192.168.0.7/32", []string{"10.1.2.0/24", "192.168.0.7/32"}, nil},
		{"nothing", "", nil, nil},
		{"as many as may be", strings.Join(many[:16], " "), many[:16], nil},
		{"too many", strings.Join(many, " "), many[:16], []string{is + "17 prefixes, of which the first 16 count"}},
		{"everywhere", "0.0.0.0/0", nil, []string{is + "0.0.0.0/0" + no}},
		{"around what is allowed", "10.0.0.0/8", nil, []string{is + "10.0.0.0/8" + no}},
		{"some that are allowed, and some that are not", "10.2.0.0/16 10.1.2.0/24 all 10.3.0.0/16", []string{"10.1.2.0/24"},
			[]string{is + "10.2.0.0/16" + no, is + `"all" is not an IPv4 prefix, want one such as 10.0.0.0/8`, is + "10.3.0.0/16" + no}},
		{"an address", "10.1.2.3", nil, []string{is + `"10.1.2.3" has no length, write 10.1.2.3/32`}},
		{"as long as may be", "10.1.2.0/24" + strings.Repeat(" ", 1024-11), []string{"10.1.2.0/24"}, nil},
		{"too long", "10.1.2.0/24" + strings.Repeat(" ", 1024-10), nil, []string{is + "1025 bytes, want at most 1024"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(excludebyannotation.Decide, sdk.Map{
				"config.annotation": "keep", "config.within": "10.1.0.0/16, 192.168.0.0/24", "pod.annotation.keep": test.wish,
			})
			if err != nil {
				t.Fatal(err)
			}
			var want []sdk.Entry
			for _, prefix := range test.want {
				want = append(want, sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "annotation keep"})
			}
			if got := decision.Entries(); !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			var lines []sdk.Line
			for _, line := range test.lines {
				lines = append(lines, sdk.Line{Level: sdk.LevelWarn, Text: line})
			}
			if got := decision.Lines(); !slices.Equal(got, lines) {
				t.Errorf("got  %v\nwant %v", got, lines)
			}
		})
	}
}

// No author of a pod can make an error, which would keep what was decided before.
func FuzzWish(f *testing.F) {
	for _, wish := range []string{"", "10.1.0.0/16", "0.0.0.0/0, x", "10.1.0.0/16 10.1.0.0/16", "\x00\xff", strings.Repeat("x ", 1<<17)} {
		f.Add(wish)
	}
	within := netip.MustParsePrefix("10.1.0.0/16")
	f.Fuzz(func(t *testing.T, wish string) {
		decision, err := sdk.Run(excludebyannotation.Decide, sdk.Map{
			"config.annotation": "keep", "config.within": within.String(), "pod.annotation.keep": wish,
		})
		if err != nil {
			t.Fatalf("%q: %v", wish, err)
		}
		for _, entry := range decision.Entries() {
			if !sdk.Covers(within, entry.Prefix) || entry.Translate {
				t.Errorf("%q: %v", wish, entry)
			}
		}
	})
}

// Pods without the annotation are not meant, and neither are those of other ones or
// those that are not known.
func TestNotMeant(t *testing.T) {
	for _, facts := range []sdk.Map{{}, {"subject.kind": "node"}, {"pod.annotation.other": "10.1.0.0/16"}, {"pod.label.keep": "10.1.0.0/16"}} {
		facts["config.annotation"], facts["config.within"] = "keep", "10.1.0.0/16"
		if decision, err := sdk.Run(excludebyannotation.Decide, facts); err != nil || len(decision.Entries()) != 0 {
			t.Errorf("%v: %v, %v", facts, decision.Entries(), err)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		err   string
	}{
		{sdk.Map{"config.annotation": "keep", "config.within": "10.1.0.0/16"}, ""},
		{sdk.Map{}, `config annotation: missing or empty, want the key of an annotation such as "example.com/keep-address"`},
		{sdk.Map{"config.annotation": "keep"}, `config within: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
		{sdk.Map{"config.annotation": "keep", "config.within": "10.1.0.1/16"}, `config within: "10.1.0.1/16" has host bits set, write 10.1.0.0/16`},
		{sdk.Map{"config.annotation": "keep it", "config.within": "10.1.0.0/16"},
			`config annotation: "keep it" is no key in Kubernetes, want at most 63 letters, digits, "-", "_" and ".", with an optional DNS name before a "/", such as "example.com/egress"`},
		{sdk.Map{"config.annotation": "Example.com/keep", "config.within": "10.1.0.0/16"}, ""},
		{sdk.Map{"config.annotations": "keep"}, `config "annotations" is not a setting, want annotation or within`},
	} {
		if got := text(excludebyannotation.Validate(sdk.Facts{Source: test.facts})); got != test.err {
			t.Errorf("%v:\ngot  %s\nwant %s", test.facts, got, test.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

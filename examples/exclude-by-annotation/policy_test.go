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
	const is = "annotation keep: "
	for _, test := range []struct {
		name, wish string
		want       []string
		err        string
	}{
		{"all that is allowed", "10.1.0.0/16", []string{"10.1.0.0/16"}, ""},
		{"parts", "10.1.2.0/24,192.168.0.7/32", []string{"10.1.2.0/24", "192.168.0.7/32"}, ""},
		{"nothing", "", nil, ""},
		{"as many as may be", strings.Join(many[:16], " "), many[:16], ""},
		{"too many", strings.Join(many, " "), nil, is + "17 prefixes, want at most 16"},
		{"everywhere", "0.0.0.0/0", nil, is + "0.0.0.0/0 is not allowed, want a part of what the setting within lists"},
		{"around what is allowed", "10.0.0.0/8", nil, is + "10.0.0.0/8 is not allowed, want a part of what the setting within lists"},
		{"one that is allowed, and one that is not", "10.1.2.0/24 10.2.0.0/16", nil,
			is + "10.2.0.0/16 is not allowed, want a part of what the setting within lists"},
		{"an address", "10.1.2.3", nil, is + `"10.1.2.3" has no length, write 10.1.2.3/32`},
		{"no prefix", "all", nil, is + `"all" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(excludebyannotation.Decide, sdk.Map{
				"config.annotation": "keep", "config.within": "10.1.0.0/16, 192.168.0.0/24", "pod.annotation.keep": test.wish,
			})
			if text(err) != test.err {
				t.Errorf("got  %v\nwant %s", err, test.err)
			}
			var want []sdk.Entry
			for _, prefix := range test.want {
				want = append(want, sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "annotation keep"})
			}
			if got := decision.Entries(); !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
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

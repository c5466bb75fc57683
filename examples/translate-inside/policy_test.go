package translateinside_test

import (
	"net/netip"
	"slices"
	"testing"

	translateinside "github.com/snatd/snatd/examples/translate-inside"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	for _, test := range []struct {
		name, cidrs string
		want        []string
		err         string
	}{
		{"one range", "10.0.200.0/24", []string{"10.0.200.0/24"}, ""},
		{"in each CIDR", "10.0.200.0/24 100.64.1.0/24", []string{"10.0.200.0/24", "100.64.1.0/24"}, ""},
		{"a whole CIDR", "10.0.200.0/24 100.64.0.0/16", nil,
			"config cidrs: 100.64.0.0/16 is all of a CIDR of the VPC, where nodes and pods would no longer see which pod it is, want a part of it"},
		{"a half of one", "100.64.0.0/17", []string{"100.64.0.0/17"}, ""},
		{"everywhere", "0.0.0.0/0", nil, "config cidrs: 0.0.0.0/0 is not inside of the VPC, want a part of one of its CIDRs"},
		{"outside", "10.0.200.0/24 10.1.0.0/24", nil, "config cidrs: 10.1.0.0/24 is not inside of the VPC, want a part of one of its CIDRs"},
		{"too wide", "10.0.0.0/8", nil, "config cidrs: 10.0.0.0/8 is not inside of the VPC, want a part of one of its CIDRs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := sdk.Map{"config.cidrs": test.cidrs, "vpc.cidrs": sdk.List("10.0.0.0/16", "100.64.0.0/16")}
			decision, err := sdk.Run(translateinside.Decide, facts)
			if err == nil && test.err != "" || err != nil && err.Error() != test.err {
				t.Errorf("got  %v\nwant %s", err, test.err)
			}
			var want []sdk.Entry
			for _, prefix := range test.want {
				want = append(want, sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Translate: true, Reason: "range inside of the VPC"})
			}
			if got := decision.Entries(); !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			facts["snat.external"] = "true"
			if decision, err := sdk.Run(translateinside.Decide, facts); err != nil || len(decision.Entries()) != 0 {
				t.Errorf("with external SNAT: %v, %v", decision.Entries(), err)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		err   string
	}{
		{sdk.Map{"config.cidrs": "10.0.200.0/24"}, ""},
		{sdk.Map{}, `config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
		{sdk.Map{"config.cidr": "x"}, `config "cidr" is not a setting, want cidrs`},
	} {
		err := translateinside.Validate(sdk.Facts{Source: test.facts})
		if err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%v:\ngot  %v\nwant %s", test.facts, err, test.err)
		}
	}
}

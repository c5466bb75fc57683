package translateonly_test

import (
	"net/netip"
	"slices"
	"testing"

	translateonly "github.com/snatd/snatd/examples/translate-only"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	translate := func(prefix string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Translate: true, Reason: "listed"}
	}
	exclude := func(prefix, why string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: why}
	}
	rest, vpc, excluded := exclude("0.0.0.0/0", "not listed"), exclude("10.0.0.0/16", "vpc cidr"), exclude("10.9.0.0/16", "excluded cidr")
	for _, test := range []struct {
		name, cidrs string
		want        []sdk.Entry
	}{
		{"one network", "172.31.0.0/16", []sdk.Entry{translate("172.31.0.0/16"), rest, vpc, excluded}},
		{"inside of the VPC", "10.0.7.0/24", []sdk.Entry{translate("10.0.7.0/24"), rest, vpc, excluded}},
		{"the VPC itself", "10.0.0.0/16", []sdk.Entry{translate("10.0.0.0/16"), rest, excluded}},
		{"what the operator excludes", "10.9.0.0/16", []sdk.Entry{translate("10.9.0.0/16"), rest, vpc}},
		{"everywhere", "0.0.0.0/0", []sdk.Entry{translate("0.0.0.0/0"), vpc, excluded}},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := sdk.Map{"config.cidrs": test.cidrs, "vpc.cidrs": sdk.List("10.0.0.0/16"), "snat.exclude": sdk.List("10.9.0.0/16")}
			decision, err := sdk.Run(translateonly.Decide, facts)
			if err != nil {
				t.Fatal(err)
			}
			if got := decision.Entries(); !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
			facts["snat.external"] = "true"
			if decision, err := sdk.Run(translateonly.Decide, facts); err != nil || len(decision.Entries()) != 0 {
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
		{sdk.Map{"config.cidrs": "172.31.0.0/16"}, ""},
		{sdk.Map{}, `config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
		{sdk.Map{"config.include": "x"}, `config "include" is not a setting, want cidrs`},
	} {
		err := translateonly.Validate(sdk.Facts{Source: test.facts})
		if err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%v:\ngot  %v\nwant %s", test.facts, err, test.err)
		}
	}
}

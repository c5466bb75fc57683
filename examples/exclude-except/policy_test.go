package excludeexcept_test

import (
	"net/netip"
	"slices"
	"testing"

	excludeexcept "github.com/snatd/snatd/examples/exclude-except"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	keep := func(prefix string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "kept network"}
	}
	translate := func(prefix string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Translate: true, Reason: "exception"}
	}
	vpc := func(prefix string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "vpc cidr"}
	}
	excluded := func(prefix string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "excluded cidr"}
	}
	for _, test := range []struct {
		name, cidrs, except string
		want                []sdk.Entry
	}{
		{"one", "172.16.0.0/12", "172.20.0.0/16", []sdk.Entry{keep("172.16.0.0/12"), translate("172.20.0.0/16")}},
		{"inside of an exception again", "172.16.0.0/12 172.20.1.0/24", "172.20.0.0/16",
			[]sdk.Entry{keep("172.16.0.0/12"), keep("172.20.1.0/24"), translate("172.20.0.0/16")}},
		{"around the VPC", "0.0.0.0/0", "10.0.0.0/8", []sdk.Entry{keep("0.0.0.0/0"), translate("10.0.0.0/8"), vpc("10.0.0.0/16")}},
		{"around an excluded CIDR", "192.168.0.0/16", "192.168.0.0/20",
			[]sdk.Entry{keep("192.168.0.0/16"), translate("192.168.0.0/20"), excluded("192.168.7.0/24")}},
		{"an excluded CIDR itself", "192.168.0.0/16", "192.168.7.0/24", []sdk.Entry{keep("192.168.0.0/16"), translate("192.168.7.0/24")}},
		{"inside of an excluded CIDR", "192.168.0.0/16", "192.168.7.8/29", []sdk.Entry{keep("192.168.0.0/16"), translate("192.168.7.8/29")}},
		{"the VPC itself", "0.0.0.0/0", "10.0.0.0/16", []sdk.Entry{keep("0.0.0.0/0"), translate("10.0.0.0/16")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := sdk.Map{"config.cidrs": test.cidrs, "config.except": test.except, "vpc.cidrs": sdk.List("10.0.0.0/16", "100.64.0.0/16"),
				"snat.exclude": sdk.List("192.168.7.0/24")}
			decision, err := sdk.Run(excludeexcept.Decide, facts)
			if err != nil {
				t.Fatal(err)
			}
			if got := decision.Entries(); !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
			facts["snat.external"] = "true"
			if decision, err := sdk.Run(excludeexcept.Decide, facts); err != nil || len(decision.Entries()) != 0 {
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
		{sdk.Map{"config.cidrs": "10.0.0.0/8", "config.except": "10.20.0.0/16"}, ""},
		{sdk.Map{"config.cidrs": "10.0.0.0/8"}, `config except: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
		{sdk.Map{"config.except": "10.0.0.0/8"}, `config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
		{sdk.Map{"config.cidrs": "10.0.0.0/8", "config.except": "10.0.0.0/8"}, "config except: 10.0.0.0/8 is no exception, want a part of a prefix in cidrs"},
		{sdk.Map{"config.cidrs": "0.0.0.0/0 10.0.0.0/8", "config.except": "10.0.0.0/8"},
			"config except: 10.0.0.0/8 is no exception, want a part of a prefix in cidrs"},
		{sdk.Map{"config.cidrs": "10.0.0.0/8", "config.except": "10.20.0.0/16 192.168.0.0/16"},
			"config except: 192.168.0.0/16 is no exception, want a part of a prefix in cidrs"},
		{sdk.Map{"config.but": "10.0.0.0/8"}, `config "but" is not a setting, want cidrs or except`},
	} {
		err := excludeexcept.Validate(sdk.Facts{Source: test.facts})
		if err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%v:\ngot  %v\nwant %s", test.facts, err, test.err)
		}
	}
}

package excludebyzone_test

import (
	"net/netip"
	"slices"
	"testing"

	excludebyzone "github.com/snatd/snatd/examples/exclude-by-zone"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	const a, b = "eu-west-1a", "eu-west-1b"
	for zone, want := range map[string][]string{a: {"10.1.0.0/16", "10.3.0.0/16"}, b: {"10.2.0.0/16"}, "eu-west-1c": nil} {
		facts := sdk.Map{"config.cidrs." + a: "10.1.0.0/16, 10.3.0.0/16", "config.cidrs." + b: "10.2.0.0/16", "node.zone": zone}
		decision, err := sdk.Run(excludebyzone.Decide, facts)
		if err != nil {
			t.Fatal(err)
		}
		var entries []sdk.Entry
		for _, prefix := range want {
			entries = append(entries, sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "network of zone " + zone})
		}
		if got := decision.Entries(); !slices.Equal(got, entries) {
			t.Errorf("got  %v\nwant %v", got, entries)
		}
	}
	_, err := sdk.Run(excludebyzone.Decide, sdk.Map{"config.cidrs." + a: "10.1.0.0/16"})
	if want := "fact node.zone: missing, cannot tell which networks are those of the node's zone"; err == nil || err.Error() != want {
		t.Errorf("without a zone:\ngot  %v\nwant %s", err, want)
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		err   string
	}{
		{sdk.Map{"config.cidrs.eu-west-1a": "10.1.0.0/16", "config.cidrs.eu-west-1b": "10.2.0.0/16"}, ""},
		{sdk.Map{}, `config: empty, want a setting for each zone, such as cidrs.eu-west-1a: "10.1.0.0/16"`},
		{sdk.Map{"config.cidrs": "10.1.0.0/16"}, `config "cidrs" is not a setting, want cidrs. and the name of a zone, such as cidrs.eu-west-1a`},
		{sdk.Map{"config.cidrs.": "10.1.0.0/16"}, `config "cidrs." is not a setting, want cidrs. and the name of a zone, such as cidrs.eu-west-1a`},
		{sdk.Map{"config.cidrs.eu-west-1a": "10.1.0.0/16", "config.cidrs.eu-west-1b": ""},
			`config cidrs.eu-west-1b: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`},
	} {
		err := excludebyzone.Validate(sdk.Facts{Source: test.facts})
		if err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%v:\ngot  %v\nwant %s", test.facts, err, test.err)
		}
	}
}

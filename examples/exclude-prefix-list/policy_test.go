package excludeprefixlist_test

import (
	"net/netip"
	"slices"
	"testing"

	excludeprefixlist "github.com/snatd/snatd/examples/exclude-prefix-list"
	"github.com/snatd/snatd/sdk"
)

func TestDecide(t *testing.T) {
	exclude := func(prefix, list string) sdk.Entry {
		return sdk.Entry{Prefix: netip.MustParsePrefix(prefix), Reason: "prefix list " + list}
	}
	for _, test := range []struct {
		name, lists string
		want        []sdk.Entry
		err         string
	}{
		{"one", "partners", []sdk.Entry{exclude("10.1.0.0/16", "partners"), exclude("192.168.0.0/24", "partners")}, ""},
		{"by its ID", "pl-1", []sdk.Entry{exclude("10.1.0.0/16", "pl-1"), exclude("192.168.0.0/24", "pl-1")}, ""},
		{"two with a network in common", "offices, pl-1",
			[]sdk.Entry{exclude("10.1.0.0/16", "offices"), exclude("10.2.0.0/16", "offices"), exclude("192.168.0.0/24", "pl-1")}, ""},
		{"an empty one", "none", nil, ""},
		{"one that is not known", "partners ofices", nil,
			"prefix list ofices is not known, want one that facts.prefixLists of the daemon's configuration names"},
		{"one that is broken", "bad", nil, `fact vpc.prefixlist.bad: "10.1.0.1/16" has host bits set, write 10.1.0.0/16`},
	} {
		t.Run(test.name, func(t *testing.T) {
			partners := sdk.List("10.1.0.0/16", "192.168.0.0/24")
			decision, err := sdk.Run(excludeprefixlist.Decide, sdk.Map{
				"config.lists": test.lists, "vpc.prefixlist.partners": partners, "vpc.prefixlist.pl-1": partners,
				"vpc.prefixlist.offices": sdk.List("10.1.0.0/16", "10.2.0.0/16"), "vpc.prefixlist.none": "",
				"vpc.prefixlist.bad": sdk.List("10.1.0.1/16"),
			})
			if err == nil && test.err != "" || err != nil && err.Error() != test.err {
				t.Errorf("got  %v\nwant %s", err, test.err)
			}
			if got := decision.Entries(); !slices.Equal(got, test.want) {
				t.Errorf("got  %v\nwant %v", got, test.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		facts sdk.Map
		err   string
	}{
		{sdk.Map{"config.lists": "partners"}, ""},
		{sdk.Map{"config.lists": ","}, `config lists: missing or empty, want names or IDs of prefix lists such as "partners, pl-0123456789abcdef0"`},
		{sdk.Map{"config.list": "partners"}, `config "list" is not a setting, want lists`},
	} {
		err := excludeprefixlist.Validate(sdk.Facts{Source: test.facts})
		if err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%v:\ngot  %v\nwant %s", test.facts, err, test.err)
		}
	}
}

package sdk_test

import (
	"slices"
	"testing"

	"github.com/snatd/snatd/sdk"
)

func TestCheckSettings(t *testing.T) {
	for _, test := range []struct {
		facts    sdk.Map
		settings []string
		err      string
	}{
		{sdk.Map{}, []string{"cidrs"}, ""},
		{sdk.Map{"config.cidrs": "", "config.why": "x", "pod.name": "y"}, []string{"why", "cidrs"}, ""},
		{sdk.Map{"config.cidr": "x"}, nil, `config "cidr" is not a setting, want none`},
		{sdk.Map{"config.cidr": "x"}, []string{"cidrs"}, `config "cidr" is not a setting, want cidrs`},
		{sdk.Map{"config.cidr": "x"}, []string{"cidrs", "why"}, `config "cidr" is not a setting, want cidrs or why`},
		{sdk.Map{"config.cidr": "x"}, []string{"cidrs", "why", "label"}, `config "cidr" is not a setting, want cidrs, why or label`},
	} {
		if got := text(sdk.Facts{Source: test.facts}.CheckSettings(test.settings...)); got != test.err {
			t.Errorf("%v of %v:\ngot  %s\nwant %s", test.facts, test.settings, got, test.err)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, " ,\n": nil, "a": {"a"}, "a,b, c\n\td,,\r\n": {"a", "b", "c", "d"}, "a; b": {"a;", "b"},
	} {
		if got := sdk.Words(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestConfigPrefixes(t *testing.T) {
	const missing = `config cidrs: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`
	for _, test := range []struct {
		facts sdk.Map
		want  int
		err   string
	}{
		{sdk.Map{"config.cidrs": "10.1.0.0/16 192.168.0.0/24"}, 2, ""},
		{sdk.Map{"config.cidrs": " , "}, 0, missing},
		{sdk.Map{}, 0, missing},
		{sdk.Map{"config.cidrs": "10.1.0.1/16"}, 0, `config cidrs: "10.1.0.1/16" has host bits set, write 10.1.0.0/16`},
	} {
		got, err := sdk.Facts{Source: test.facts}.ConfigPrefixes("cidrs")
		if len(got) != test.want || text(err) != test.err {
			t.Errorf("%v:\ngot  %v, %s\nwant %d prefixes, %s", test.facts, got, text(err), test.want, test.err)
		}
	}
}

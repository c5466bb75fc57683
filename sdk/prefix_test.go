package sdk_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/snatd/snatd/sdk"
)

func TestParsePrefix(t *testing.T) {
	for _, test := range []struct{ text, want, err string }{
		{"10.0.0.0/8", "10.0.0.0/8", ""},
		{"10.1.2.3/32", "10.1.2.3/32", ""},
		{"0.0.0.0/0", "0.0.0.0/0", ""},
		{"10.0.0.1/8", "", `"10.0.0.1/8" has host bits set, write 10.0.0.0/8`},
		{"10.1.2.3", "", `"10.1.2.3" has no length, write 10.1.2.3/32`},
		{"fd00::/8", "", `"fd00::/8" is IPv6, only IPv4 is accepted`},
		{"::ffff:10.0.0.0/104", "", `"::ffff:10.0.0.0/104" is IPv6, only IPv4 is accepted`},
		{"10.0.0.0/33", "", `"10.0.0.0/33" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
		{"10.0.0.0/08", "", `"10.0.0.0/08" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
		{"vpc", "", `"vpc" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
		{"", "", `"" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
	} {
		got, err := sdk.ParsePrefix(test.text)
		if text(err) != test.err || err == nil && got.String() != test.want || err != nil && got.IsValid() {
			t.Errorf("%q: got %v, %q, want %s, %q", test.text, got, text(err), test.want, test.err)
		}
	}
}

func TestParsePrefixes(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
		err  string
	}{
		{"", nil, ""},
		{" ,\n", nil, ""},
		{"10.0.0.0/8", []string{"10.0.0.0/8"}, ""},
		{"10.0.0.0/8,172.16.0.0/12, 192.168.0.0/16\n\t100.64.0.0/10,,", []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"}, ""},
		{"10.0.0.0/8; 172.16.0.0/12", nil, `"10.0.0.0/8;" is not an IPv4 prefix, want one such as 10.0.0.0/8`},
		{"10.0.0.0/8 10.0.0.1/8", nil, `"10.0.0.1/8" has host bits set, write 10.0.0.0/8`},
	} {
		got, err := sdk.ParsePrefixes(test.text)
		if !slices.Equal(texts(got), test.want) || text(err) != test.err {
			t.Errorf("%q: got %v, %q, want %v, %q", test.text, got, text(err), test.want, test.err)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		outer, inner string
		want         bool
	}{
		{"10.0.0.0/8", "10.1.0.0/16", true},
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"0.0.0.0/0", "192.0.2.1/32", true},
		{"10.1.0.0/16", "10.0.0.0/8", false},
		{"10.0.0.0/16", "10.0.0.0/8", false},
		{"10.0.0.0/8", "11.0.0.0/16", false},
	} {
		if got := sdk.Covers(netip.MustParsePrefix(test.outer), netip.MustParsePrefix(test.inner)); got != test.want {
			t.Errorf("%s covers %s: got %v", test.outer, test.inner, got)
		}
	}
}

func TestEverywhere(t *testing.T) {
	if got := sdk.Everywhere.String(); got != "0.0.0.0/0" {
		t.Errorf("got %s", got)
	}
}

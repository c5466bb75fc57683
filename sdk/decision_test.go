package sdk_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

var (
	ten   = netip.MustParsePrefix("10.0.0.0/8")
	spare = netip.MustParseAddr("10.0.0.99")
)

func TestEntries(t *testing.T) {
	decision := mustRun(t, func(_ sdk.Facts, d *sdk.Decision) error {
		d.Exclude(ten, "inside")
		d.Translate(sdk.Everywhere, "outside")
		d.TranslateTo(netip.MustParsePrefix("192.0.2.0/24"), spare, "partner")
		d.Exclude(ten, "again, with the same outcome")
		return nil
	})
	want := []sdk.Entry{
		{Prefix: ten, Reason: "inside"},
		{Prefix: sdk.Everywhere, Translate: true, Reason: "outside"},
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Translate: true, Source: spare, Reason: "partner"},
	}
	if got := decision.Entries(); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestWrongCalls(t *testing.T) {
	for _, test := range []struct {
		name string
		call func(d *sdk.Decision)
		err  string
	}{
		{"zero", func(d *sdk.Decision) { d.Exclude(netip.Prefix{}, "") },
			"decision: the zero prefix is not an IPv4 prefix, want one such as 10.0.0.0/8"},
		{"ipv6", func(d *sdk.Decision) { d.Translate(netip.MustParsePrefix("fd00::/8"), "") },
			`decision: "fd00::/8" is IPv6, only IPv4 is accepted`},
		{"host bits", func(d *sdk.Decision) { d.Exclude(netip.MustParsePrefix("10.0.0.1/8"), "") },
			`decision: "10.0.0.1/8" has host bits set, write 10.0.0.0/8`},
		{"two actions", func(d *sdk.Decision) { d.Exclude(ten, ""); d.Translate(ten, "") },
			"decision: 10.0.0.0/8 is given as exclude and as translate, want one outcome"},
		{"two sources", func(d *sdk.Decision) { d.Translate(ten, ""); d.TranslateTo(ten, spare, "") },
			"decision: 10.0.0.0/8 is given as translate and as translate to 10.0.0.99, want one outcome"},
		{"ipv6 source", func(d *sdk.Decision) { d.TranslateTo(ten, netip.MustParseAddr("fd00::1"), "") },
			`decision: the source "fd00::1" for 10.0.0.0/8 is not an IPv4 address`},
		{"zero source", func(d *sdk.Decision) { d.TranslateTo(ten, netip.Addr{}, "") },
			`decision: the source "invalid IP" for 10.0.0.0/8 is not an IPv4 address`},
		{"the first counts", func(d *sdk.Decision) { d.Exclude(netip.Prefix{}, ""); d.Exclude(netip.MustParsePrefix("fd00::/8"), "") },
			"decision: the zero prefix is not an IPv4 prefix, want one such as 10.0.0.0/8"},
		{"too many", func(d *sdk.Decision) {
			for i := range abi.MaxPrefixes + 1 {
				d.Exclude(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24), "")
			}
		}, "decision: more than 10000 prefixes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(func(_ sdk.Facts, d *sdk.Decision) error { test.call(d); return nil }, sdk.Map{})
			if text(err) != test.err {
				t.Errorf("got %q\nwant %q", text(err), test.err)
			}
			if len(decision.Entries()) != 0 {
				t.Errorf("a wrong decision has entries: %v", decision.Entries())
			}
		})
	}
}

// What is only for people is cut, between two runes, and never refused.
func TestLongTexts(t *testing.T) {
	decision := mustRun(t, func(_ sdk.Facts, d *sdk.Decision) error {
		d.Exclude(ten, "x"+strings.Repeat("é", abi.MaxReason))
		d.Log(sdk.LevelInfo, "x"+strings.Repeat("é", abi.MaxMessage))
		return nil
	})
	if got, want := decision.Entries()[0].Reason, "x"+strings.Repeat("é", abi.MaxReason/2-1); got != want {
		t.Errorf("reason: got %d bytes %q", len(got), got)
	}
	if got, want := decision.Lines()[0].Text, "x"+strings.Repeat("é", abi.MaxMessage/2-1); got != want {
		t.Errorf("line: got %d bytes", len(got))
	}
}

func mustRun(t *testing.T, policy sdk.Policy) *sdk.Decision {
	t.Helper()
	decision, err := sdk.Run(policy, sdk.Map{})
	if err != nil {
		t.Fatal(err)
	}
	return decision
}

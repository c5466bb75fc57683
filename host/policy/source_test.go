package policy

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// That the node holds a source is read like a fact: a remembered decision ends when
// it does not any more.
func TestSource(t *testing.T) {
	egress := netip.MustParseAddr("10.0.0.11")
	asked := 0
	p := Memoize(Native("test", func(_ sdk.Facts, d *sdk.Decision) error {
		asked++
		d.TranslateTo(sdk.Everywhere, egress, "why")
		return nil
	}, Grants{Sources: []netip.Addr{egress}}, nil))
	held := sdk.Map{"node.address.10.0.0.11": "secondary"}
	for range 2 {
		e, err := p.Decide(t.Context(), held)
		if err != nil {
			t.Fatal(err)
		}
		want := Evaluation{
			Decision: rules.Decision{Module: "test", Entries: []rules.Entry{
				{Prefix: sdk.Everywhere, Outcome: rules.Outcome{Action: rules.Translate, Source: egress}, Reason: "why"},
			}},
			Reads: []Read{{Key: "node.address.10.0.0.11", Value: "secondary", Found: true}},
		}
		if diff := cmp.Diff(want, e, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
	_, err := p.Decide(t.Context(), sdk.Map{})
	if want := `policy test: output: translate "0.0.0.0/0": the node's primary interface does not hold the source 10.0.0.11`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

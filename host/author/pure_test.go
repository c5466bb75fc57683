package author

import (
	"context"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// forgetful decides differently each time, which no module can in the sandbox.
type forgetful struct {
	policy.Policy
	calls byte
}

func (*forgetful) Name() string { return "test" }

func (f *forgetful) Decide(context.Context, sdk.Source) (policy.Evaluation, error) {
	f.calls++
	entry := rules.Entry{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{f.calls}), 8), Outcome: rules.Outcome{Action: rules.Exclude}, Reason: "why"}
	return policy.Evaluation{Decision: rules.Decision{Module: "test", Entries: []rules.Entry{entry}}}, nil
}

func TestImpure(t *testing.T) {
	found := findings{}
	if _, err := found.decisions(t.Context(), &forgetful{}, []policy.Subject{{Name: "node", Facts: sdk.Map{}}}); err != nil {
		t.Fatal(err)
	}
	want := findings{
		checkDecide: {State: OK, Detail: "for 1 subject, with 1 evaluation"},
		checkPure: {State: Failed,
			Detail: "impure: decides differently for node when asked again: it gave exclude 1.0.0.0/8 (why), then exclude 2.0.0.0/8 (why)",
			Change: "answer from facts alone: nothing may survive from one evaluation to the next"},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

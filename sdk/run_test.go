package sdk_test

import (
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"testing"

	"github.com/snatd/snatd/sdk"
)

type colour struct{}

func (colour) String() string { return "red" }

func TestRunErrors(t *testing.T) {
	var missing map[string]int
	for _, test := range []struct {
		name   string
		policy sdk.Policy
		err    string // a regular expression
	}{
		{"error", func(sdk.Facts, *sdk.Decision) error { return errors.New("no zone") }, `no zone`},
		{"text", func(sdk.Facts, *sdk.Decision) error { panic("boom") }, `panic: boom \(sdk/run_test\.go:\d+\)`},
		{"panic with an error", func(sdk.Facts, *sdk.Decision) error { panic(errors.New("no zone")) }, `panic: no zone \(sdk/run_test\.go:\d+\)`},
		{"stringer", func(sdk.Facts, *sdk.Decision) error { panic(colour{}) }, `panic: red \(sdk/run_test\.go:\d+\)`},
		{"number", func(sdk.Facts, *sdk.Decision) error { panic(42) }, `panic: 42 \(sdk/run_test\.go:\d+\)`},
		{"other", func(sdk.Facts, *sdk.Decision) error { panic(struct{}{}) }, `panic: a value that is not text \(sdk/run_test\.go:\d+\)`},
		{"runtime", func(sdk.Facts, *sdk.Decision) error { missing["a"] = 1; return nil },
			`panic: assignment to entry in nil map \(sdk/run_test\.go:\d+\)`},
		{"nil pointer", func(_ sdk.Facts, _ *sdk.Decision) error { var p *[4]int; p[2]++; return nil },
			`panic: runtime error: invalid memory address or nil pointer dereference \(sdk/run_test\.go:\d+\)`},
		{"in a library", func(sdk.Facts, *sdk.Decision) error { netip.MustParseAddr("x"); return nil },
			`panic: ParseAddr\("x"\): unable to parse IP \(netip/netip\.go:\d+, sdk/run_test\.go:\d+\)`},
		{"deep", deep(9), `panic: deep \(sdk/run_test\.go:\d+(, sdk/run_test\.go:\d+){3}\)`},
		{"no policy", nil, `panic: runtime error: invalid memory address or nil pointer dereference`},
	} {
		t.Run(test.name, func(t *testing.T) {
			decision, err := sdk.Run(test.policy, sdk.Map{})
			if !regexp.MustCompile("^" + test.err + "$").MatchString(text(err)) {
				t.Errorf("got %q\nwant %s", text(err), test.err)
			}
			if len(decision.Entries()) != 0 {
				t.Errorf("a failed policy has entries: %v", decision.Entries())
			}
		})
	}
}

func deep(n int) sdk.Policy {
	if n == 0 {
		return func(sdk.Facts, *sdk.Decision) error { panic("deep") }
	}
	return func(f sdk.Facts, d *sdk.Decision) error { return deep(n-1)(f, d) }
}

// What a policy did before it failed shows in the log only.
func TestFailureKeepsLog(t *testing.T) {
	decision, err := sdk.Run(func(_ sdk.Facts, d *sdk.Decision) error {
		d.Exclude(ten, "inside")
		d.Log(sdk.LevelWarn, "about to fail")
		return errors.New("failed")
	}, sdk.Map{})
	if text(err) != "failed" || len(decision.Entries()) != 0 {
		t.Errorf("got %v, %v", decision.Entries(), err)
	}
	if got := decision.Lines(); !slices.Equal(got, []sdk.Line{{Level: sdk.LevelWarn, Text: "about to fail"}}) {
		t.Errorf("log: got %v", got)
	}
}

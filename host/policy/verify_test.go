package policy

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/sdk"
)

// subjects are some that differ in the fact "kind" only.
func subjects(kinds ...string) (list []Subject) {
	for i, kind := range kinds {
		list = append(list, Subject{"pod-" + strconv.Itoa(i), sdk.Map{"kind": kind}})
	}
	return list
}

// byKind decides by the fact "kind" and counts how often it is asked.
func byKind(asked *int, change func(kind string, d *sdk.Decision) error) Policy {
	return Native("test", func(facts sdk.Facts, d *sdk.Decision) error {
		*asked++
		kind, _ := facts.Fact("kind")
		return change(kind, d)
	}, Grants{Translate: true}, nil)
}

func exclude(d *sdk.Decision, prefix string) { d.Exclude(netip.MustParsePrefix(prefix), "why") }

// What is alike is evaluated twice in all, and remembered.
func TestVerify(t *testing.T) {
	asked := 0
	p := byKind(&asked, func(kind string, d *sdk.Decision) error {
		if kind == "a" {
			exclude(d, "10.0.0.0/8")
		}
		return nil
	})
	list := subjects("a", "b", "a", "b", "a")
	ready, report, err := Verify(t.Context(), p, list)
	if err != nil || report.Undecided != nil || len(report.Failed) > 0 {
		t.Fatalf("%v, %+v", err, report)
	}
	if diff := cmp.Diff([]string{"pod-0", "pod-1"}, report.Evaluated); diff != "" || asked != 4 {
		t.Errorf("asked %d times, want 4; evaluated -want +got:\n%s", asked, diff)
	}
	for _, s := range list {
		if _, err := ready.Decide(t.Context(), s.Facts); err != nil {
			t.Error(err)
		}
	}
	if asked != 4 {
		t.Errorf("asked %d times: nothing was remembered", asked)
	}
}

// State that survives an evaluation shows.
func TestVerifyImpure(t *testing.T) {
	for _, test := range []struct {
		decide func(asked int, kind string, d *sdk.Decision) error
		want   string
	}{
		{func(asked int, _ string, d *sdk.Decision) error {
			if asked > 2 {
				exclude(d, "10.0.0.0/8")
			}
			return nil
		}, "policy test: impure: decides differently for pod-1 when asked again: it gave nothing, then exclude 10.0.0.0/8 (why)"},
		{func(asked int, _ string, d *sdk.Decision) error {
			exclude(d, "10."+strconv.Itoa(asked)+".0.0/16")
			return nil
		}, "policy test: impure: decides differently for pod-1 when asked again: it gave exclude 10.2.0.0/16 (why), then exclude 10.3.0.0/16 (why)"},
		{func(asked int, _ string, _ *sdk.Decision) error {
			if asked > 2 {
				return errors.New("no more")
			}
			return nil
		}, "policy test: impure: decides for pod-1, and fails when asked again: policy test: failed: no more"},
	} {
		asked := 0
		p := byKind(&asked, func(kind string, d *sdk.Decision) error { return test.decide(asked, kind, d) })
		if _, _, err := Verify(t.Context(), p, subjects("a", "b")); err == nil || err.Error() != test.want {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
}

// A policy that fails for some decides for the others; one that fails for all has
// no decision.
func TestVerifyFailures(t *testing.T) {
	asked := 0
	p := byKind(&asked, func(kind string, d *sdk.Decision) error {
		if kind == "bad" {
			return errors.New("bad kind")
		}
		return nil
	})
	_, report, err := Verify(t.Context(), p, subjects("a", "bad", "b"))
	if err != nil || report.Undecided != nil || len(report.Failed) != 1 || report.Failed["pod-1"].Error() != "policy test: failed: bad kind" {
		t.Errorf("%v, %+v", err, report)
	}
	_, report, err = Verify(t.Context(), p, subjects("bad", "bad"))
	if err != nil || report.Undecided == nil || report.Undecided.Error() != "policy test: failed: bad kind" {
		t.Errorf("%v, %+v", err, report)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Verify(ctx, p, subjects("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

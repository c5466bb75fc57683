package policy

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/sdk"
)

// excluding excludes 10.0.0.0/8 for why, and fails where the fact "broken"
// names it.
func excluding(name, why string) Policy {
	return Native(name, func(facts sdk.Facts, decision *sdk.Decision) error {
		if broken, _ := facts.Fact("broken"); broken == name {
			return errors.New("broken")
		}
		decision.Exclude(prefix("10.0.0.0/8"), why)
		return nil
	}, Grants{}, nil)
}

func TestSet(t *testing.T) {
	set := NewSet([]Policy{excluding("10-first", "v1"), excluding("default", "v1")})
	check := func(what, subject, broken string, want, wantErrs []string) {
		t.Helper()
		evaluations, errs := set.Decide(context.Background(), subject, sdk.Map{"broken": broken})
		var got, gotErrs []string
		for _, e := range evaluations {
			got = append(got, e.Decision.Module+" "+e.Decision.Entries[0].Reason)
		}
		for _, err := range errs {
			gotErrs = append(gotErrs, err.Error())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: evaluations (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(wantErrs, gotErrs); diff != "" {
			t.Errorf("%s: errors (-want +got):\n%s", what, diff)
		}
	}
	v1 := []string{"10-first v1", "default v1"}
	failed := []string{"policy 10-first: failed: broken"}
	check("a failure without a good evaluation", "a/pod", "10-first", []string{"default v1"}, failed)
	check("good", "a/pod", "", v1, nil)
	check("a failure after a good evaluation", "a/pod", "10-first", v1, failed)
	check("the last good one is the subject's own", "b/pod", "10-first", []string{"default v1"}, failed)
	check("the last policy fails", "c/pod", "default", []string{"10-first v1"}, []string{"policy default: failed: broken"})

	set.Replace([]Policy{excluding("05-new", "v1"), excluding("10-first", "v2"), excluding("default", "v1")})
	check("a new version that fails", "a/pod", "10-first", []string{"05-new v1", "10-first v1", "default v1"}, failed)
	check("a new version", "a/pod", "", []string{"05-new v1", "10-first v2", "default v1"}, nil)

	set.Replace([]Policy{excluding("default", "v1")})
	set.Replace([]Policy{excluding("10-first", "v3"), excluding("default", "v1")})
	check("a policy that was away", "a/pod", "10-first", []string{"default v1"}, failed)

	check("good again", "a/pod", "", []string{"10-first v3", "default v1"}, nil)
	check("good elsewhere", "b/pod", "", []string{"10-first v3", "default v1"}, nil)
	set.Retain([]string{"b/pod"})
	check("a subject that was away", "a/pod", "10-first", []string{"default v1"}, failed)
	check("a subject that was not", "b/pod", "default", []string{"10-first v3", "default v1"}, []string{"policy default: failed: broken"})
}

func TestSetOfCancelledCaller(t *testing.T) {
	set := NewSet([]Policy{excluding("default", "v1")})
	ctx, cancel := context.WithCancel(context.Background())
	if _, errs := set.Decide(ctx, "node", noFacts); errs != nil {
		t.Fatal(errs)
	}
	cancel()
	evaluations, errs := set.Decide(ctx, "node", noFacts)
	if len(evaluations) != 1 || len(errs) != 1 || !errors.Is(errs[0], context.Canceled) {
		t.Errorf("got %v, %v; want the last good evaluation and context.Canceled", evaluations, errs)
	}
}

package policy

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/sdk"
)

// runaway is a policy that runs away on subjects whose fact "slow" is set.
type runaway struct {
	Policy
	class Class
	runs  []string
}

func (r *runaway) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	name, _ := facts.Fact("pod.name")
	r.runs = append(r.runs, name)
	if slow, _ := facts.Fact("slow"); slow != "" {
		return Evaluation{}, errorf(r.Name(), r.class, "decide ran away")
	}
	return r.Policy.Decide(ctx, facts)
}

// TestBreaker: a policy that runs away on one pod is stopped for the rest of the
// pass, and cannot be kept by that pod from deciding for the others.
func TestBreaker(t *testing.T) {
	for _, class := range []Class{ClassDeadline, ClassBudget} {
		t.Run(string(class), func(t *testing.T) {
			p := &runaway{Policy: excluding("10-a", ""), class: class}
			set := NewSet([]Policy{p, excluding("default", "")})
			pass := func(what string, slow string, wantRuns, wantErrs []string, transient int) {
				t.Helper()
				p.runs = nil
				var errs []string
				again := 0
				for _, name := range []string{"a", "b", "c"} {
					facts := sdk.Map{"pod.name": name}
					if name == slow {
						facts["slow"] = "true"
					}
					evaluations, failed := set.Decide(context.Background(), name, facts)
					if last := evaluations[len(evaluations)-1]; last.Decision.Module != "default" {
						t.Errorf("%s: the other policy did not decide for %s", what, name)
					}
					for _, err := range failed {
						errs = append(errs, name+": "+err.Error())
						if Transient(err) {
							again++
						}
					}
				}
				set.Retain([]string{"a", "b", "c"})
				if diff := cmp.Diff(wantRuns, p.runs); diff != "" {
					t.Errorf("%s: runs (-want +got):\n%s", what, diff)
				}
				if diff := cmp.Diff(wantErrs, errs); diff != "" {
					t.Errorf("%s: errors (-want +got):\n%s", what, diff)
				}
				if class == ClassBudget && again != transient {
					t.Errorf("%s: %d transient errors, want %d", what, again, transient)
				}
			}
			failed := ": policy 10-a: " + string(class) + ": decide ran away"
			all := []string{"a", "b", "c"}
			pass("all is well", "", all, nil, 0)
			pass("the first runs away", "a", []string{"a"}, []string{"a" + failed, "b" + failed, "c" + failed}, 2)
			pass("the others have their turn", "a", []string{"b", "c"}, []string{"a" + failed}, 1)
			pass("the first is tried again", "a", []string{"a"}, []string{"a" + failed, "b" + failed, "c" + failed}, 2)
			pass("another one runs away", "b", []string{"b"}, []string{"a" + failed, "b" + failed, "c" + failed}, 2)
			pass("what is left", "b", []string{"c"}, []string{"a" + failed, "b" + failed}, 2)
			pass("mended", "", all, nil, 0)
		})
	}
}

// TestBreakerOfOtherFailures: what fails at once stalls nothing.
func TestBreakerOfOtherFailures(t *testing.T) {
	p := &runaway{Policy: excluding("10-a", ""), class: ClassTrap}
	set := NewSet([]Policy{p})
	for range 3 {
		set.Decide(context.Background(), "a", sdk.Map{"slow": "true"})
	}
	if len(p.runs) != 3 {
		t.Errorf("%d runs, want 3", len(p.runs))
	}
}

// TestBreakerRemembers: a stopped policy still decides what it remembers.
func TestBreakerRemembers(t *testing.T) {
	p := &runaway{Policy: excluding("10-a", "why"), class: ClassDeadline}
	set := NewSet([]Policy{Memoize(p)})
	if _, errs := set.Decide(context.Background(), "a", noFacts); errs != nil {
		t.Fatal(errs)
	}
	if _, errs := set.Decide(context.Background(), "b", sdk.Map{"broken": "x", "slow": "true"}); len(errs) != 1 {
		t.Fatalf("errors are %v, want one", errs)
	}
	evaluations, errs := set.Decide(context.Background(), "replica of a", noFacts)
	if len(evaluations) != 1 || len(errs) != 0 || len(p.runs) != 2 {
		t.Errorf("got %v, %v after %d runs; want the remembered evaluation without a run", evaluations, errs, len(p.runs))
	}
}

// TestBreakerOfNewVersion: a policy that was replaced is not blamed for the one
// before it.
func TestBreakerOfNewVersion(t *testing.T) {
	set := NewSet([]Policy{&runaway{Policy: excluding("10-a", ""), class: ClassDeadline}})
	if _, errs := set.Decide(context.Background(), "a", sdk.Map{"slow": "true"}); len(errs) != 1 {
		t.Fatalf("errors are %v, want one", errs)
	}
	set.Replace([]Policy{excluding("10-a", "")})
	if evaluations, errs := set.Decide(context.Background(), "a", noFacts); len(evaluations) != 1 || errs != nil {
		t.Errorf("got %v, %v; want an evaluation", evaluations, errs)
	}
}

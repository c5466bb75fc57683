package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// passes drives a Set over named pods, with a clock of its own.
type passes struct {
	t      *testing.T
	policy *runaway
	set    *Set
	clock  time.Time
	pods   []string
}

func newPasses(t *testing.T, class Class, pods ...string) *passes {
	p := &passes{t: t, policy: &runaway{Policy: excluding("10-a", ""), class: class}, clock: time.Unix(0, 0), pods: pods}
	p.set = NewSet([]Policy{p.policy, excluding("default", "")})
	p.set.breakers[p.policy].now = func() time.Time { return p.clock }
	return p
}

// pass checks for which pods the policy runs, and which get an error, where it
// runs away on the slow ones.
func (p *passes) pass(what string, slow, wantRuns, wantErrs string) {
	p.t.Helper()
	p.policy.runs = nil
	var errs []string
	for _, name := range p.pods {
		facts := sdk.Map{"pod.name": name}
		if strings.Contains(slow, name) {
			facts["slow"] = "true"
		}
		evaluations, failed := p.set.Decide(context.Background(), name, facts)
		if last := evaluations[len(evaluations)-1]; last.Decision.Module != "default" {
			p.t.Errorf("%s: the other policy did not decide for %s", what, name)
		}
		if len(failed) > 0 {
			errs = append(errs, name)
		}
	}
	p.set.Retain(p.pods)
	if got := strings.Join(p.policy.runs, ""); got != wantRuns {
		p.t.Errorf("%s: runs for %q, want %q", what, got, wantRuns)
	}
	if got := strings.Join(errs, ""); got != wantErrs {
		p.t.Errorf("%s: errors for %q, want %q", what, got, wantErrs)
	}
}

// due moves the clock to the next try.
func (p *passes) due() {
	p.t.Helper()
	next := p.set.NextTry()
	if !next.After(p.clock) || next.After(p.clock.Add(30*time.Second)) {
		p.t.Fatalf("the next try is at %s, now is %s", next, p.clock)
	}
	p.clock = next
}

// TestBreaker: a pod that a policy runs away on costs the others nothing, not
// even when it is the first, and is tried again in growing pauses.
func TestBreaker(t *testing.T) {
	for _, class := range []Class{ClassDeadline, ClassBudget} {
		p := newPasses(t, class, "a", "b", "c")
		p.pass("all is well", "", "abc", "")
		if next := p.set.NextTry(); !next.IsZero() {
			t.Errorf("a try is due at %s where nothing failed", next)
		}
		p.pass("the first runs away", "a", "abc", "a")
		p.pass("it is not tried at once", "a", "bc", "a")
		p.due()
		p.pass("it is tried when due", "a", "abc", "a")
		if pause := p.set.NextTry().Sub(p.clock); pause != Backoff(2) {
			t.Errorf("the second pause is %s, want %s", pause, Backoff(2))
		}
		p.pass("a change goes through", "a", "bc", "a")
		p.due()
		p.pass("mended", "", "abc", "")
		p.pass("as before", "", "abc", "")
	}
}

// TestBreakerOpens: a pass costs a few deadlines at most, and who had no turn has
// it in the next try, before those who had.
func TestBreakerOpens(t *testing.T) {
	p := newPasses(t, ClassDeadline, "a", "b", "c", "d", "e", "f")
	p.pass("four run away", "abcd", "abc", "abcdef")
	p.pass("no try is due", "abcd", "", "abcdef")
	p.due()
	p.pass("the others have their turn, and the eldest", "abcd", "adef", "abcd")
	p.due()
	p.pass("then three of the four", "abcd", "abcef", "abcd")
	p.due()
	p.pass("the fourth, and those tried the longest ago", "abcd", "abdef", "abcd")
	p.pass("no try is due again", "abcd", "ef", "abcd")
	p.due()
	p.pass("mended", "", "abcef", "d")
	p.due()
	p.pass("all of them", "", "abcdef", "")
}

// TestBreakerChurn: pods that make a policy run away, under new names all the
// time, keep no other pod waiting.
func TestBreakerChurn(t *testing.T) {
	p := newPasses(t, ClassDeadline)
	for round := range 20 {
		bad := []string{}
		for i := range 4 {
			bad = append(bad, fmt.Sprintf("%d-%d", round, i))
		}
		healthy := fmt.Sprintf("healthy-%d", round)
		names := append(slices.Clone(bad), healthy)
		decided := func() bool {
			ok := false
			for _, name := range names {
				facts := sdk.Map{"pod.name": name}
				if slices.Contains(bad, name) {
					facts["slow"] = "true"
				}
				_, errs := p.set.Decide(context.Background(), name, facts)
				ok = ok || name == healthy && len(errs) == 0
			}
			p.set.Retain(names)
			return ok
		}
		begun := p.clock
		for !decided() {
			p.due()
		}
		if waited := p.clock.Sub(begun); waited > 2*Backoff(1) {
			t.Fatalf("round %d: the healthy pod waited %s", round, waited)
		}
		p.clock = p.clock.Add(8 * time.Second)
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

// TestBreakerSlowPasses: a pass over pods that a policy runs away on is longer than
// the pause before the next try, which does not put the try off.
func TestBreakerSlowPasses(t *testing.T) {
	p := newPasses(t, ClassDeadline)
	for round := range 20 {
		names := []string{fmt.Sprintf("a-%d-1", round), fmt.Sprintf("a-%d-2", round), fmt.Sprintf("a-%d-3", round)}
		if round == 0 {
			names = append(names, "a-0-4")
		}
		names = append(names, "healthy")
		decided := false
		for _, name := range names {
			facts := sdk.Map{"pod.name": name}
			if name != "healthy" {
				facts["slow"] = "true"
			}
			runs := len(p.policy.runs)
			_, errs := p.set.Decide(context.Background(), name, facts)
			if name != "healthy" && len(p.policy.runs) > runs {
				p.clock = p.clock.Add(time.Second)
			}
			decided = decided || name == "healthy" && len(errs) == 0
		}
		p.set.Retain(names)
		if decided {
			return
		}
		p.clock = p.clock.Add(20 * time.Millisecond)
	}
	t.Error("the healthy pod is never decided")
}

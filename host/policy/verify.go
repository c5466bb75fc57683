package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// Subject is whose facts a policy is verified on.
type Subject struct {
	Name  string
	Facts sdk.Source
}

// Report is what Verify found.
type Report struct {
	// Evaluated are the subjects that the policy was run for: others have the same
	// answers to what it reads, or it has run away too often.
	Evaluated []string
	// Failed are the errors of subjects that it failed for, by their names.
	Failed map[string]error
	// Undecided is the first of them if it failed for all; nil if it did not.
	Undecided error
}

// mostVerified bounds the evaluations that are made twice: a policy that tells
// pods apart is run for each of them.
const mostVerified = 64

// Verify runs a policy for subjects before it decides for any, and returns it as
// Memoize does, with what it decided remembered. Then it evaluates the same again,
// in the opposite order. A difference is an *Error of the class impure: a decision
// has to be a function of what was read.
//
// That it fails for subjects is in the report: what that means is for the caller
// to say.
func Verify(ctx context.Context, p Policy, subjects []Subject) (Policy, Report, error) {
	m := &memo{policy: p, root: &node{}, held: newHoldings()}
	report := Report{Failed: map[string]error{}}
	var first error
	evaluated := map[string]Evaluation{}
	for _, subject := range subjects {
		if _, ok := m.recall(subject.Facts); ok {
			continue
		}
		if runaways(report.Failed) == maxTrips {
			break // the rest is for the breaker of the set
		}
		e, err := m.Decide(ctx, subject.Facts)
		report.Evaluated = append(report.Evaluated, subject.Name)
		if err != nil {
			if ctx.Err() != nil {
				return nil, report, err
			}
			report.Failed[subject.Name] = err
			if first == nil {
				first = err
			}
			continue
		}
		if len(evaluated) < mostVerified {
			evaluated[subject.Name] = e
		}
	}
	if len(report.Failed) == len(report.Evaluated) {
		report.Undecided = first
	}
	for _, subject := range slices.Backward(subjects) {
		before, ok := evaluated[subject.Name]
		if !ok {
			continue
		}
		again, err := p.Decide(ctx, subject.Facts)
		switch {
		case err != nil && (ctx.Err() != nil || Transient(err)):
			return nil, report, err
		case err != nil:
			return nil, report, errorf(p.Name(), ClassImpure, "decides for %s, and fails when asked again: %v", subject.Name, err)
		}
		if what := difference(before, again); what != "" {
			return nil, report, errorf(p.Name(), ClassImpure, "decides differently for %s when asked again: %s", subject.Name, what)
		}
	}
	return m, report, nil
}

// difference is what differs first in two evaluations of the same facts; empty if
// nothing does.
func difference(first, again Evaluation) string {
	if first.Reads != nil { // a memo without room leaves them out
		if what := firstDifference("it read", first.Reads, again.Reads, Read.String); what != "" {
			return what
		}
	}
	return firstDifference("it gave", first.Decision.Entries, again.Decision.Entries, func(e rules.Entry) string {
		text := string(e.Outcome.Action) + " " + e.Prefix.String()
		if e.Outcome.Source.IsValid() {
			text += " to " + e.Outcome.Source.String()
		}
		return fmt.Sprintf("%s (%s)", text, e.Reason)
	})
}

func firstDifference[T comparable](what string, first, again []T, text func(T) string) string {
	at := func(list []T, i int) string {
		if i < len(list) {
			return clip(text(list[i]))
		}
		return "nothing"
	}
	for i := range max(len(first), len(again)) {
		if i >= len(first) || i >= len(again) || first[i] != again[i] {
			return fmt.Sprintf("%s %s, then %s", what, at(first, i), at(again, i))
		}
	}
	return ""
}

// runaways are how many failed by taking too long.
func runaways(failed map[string]error) (n int) {
	for _, err := range failed {
		if e, ok := errors.AsType[*Error](err); ok && (e.Class == ClassDeadline || e.Class == ClassBudget) {
			n++
		}
	}
	return n
}

package policy

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/snatd/snatd/sdk"
)

// Set is the policies in order of precedence. It remembers the last good
// evaluation of each for each subject, so that a policy that fails goes on
// deciding as it did and never takes anything from the others. One goroutine
// uses it at a time.
//
// It is used in passes: one Decide for each subject, then Retain.
type Set struct {
	policies []Policy
	good     map[string]map[string]Evaluation // by policy, by subject
	breakers map[Policy]*breaker
}

// NewSet returns a Set of policies, the first in precedence first. They are
// comparable.
func NewSet(policies []Policy) *Set {
	s := &Set{good: map[string]map[string]Evaluation{}, breakers: map[Policy]*breaker{}}
	s.Replace(policies)
	return s
}

// Replace changes the policies. What is remembered stays with the name: a new
// version of a module that fails leaves the decisions of the version before it
// in force. The set closes no policy.
func (s *Set) Replace(policies []Policy) {
	s.policies = policies
	maps.DeleteFunc(s.good, func(name string, _ map[string]Evaluation) bool {
		return !slices.ContainsFunc(policies, func(p Policy) bool { return p.Name() == name })
	})
	maps.DeleteFunc(s.breakers, func(p Policy, _ *breaker) bool { return !slices.Contains(policies, p) })
	for _, p := range policies {
		if s.breakers[p] == nil {
			s.breakers[p] = newBreaker()
		}
	}
}

// Retain ends a pass over these subjects, named as for Decide. Every other is
// forgotten.
func (s *Set) Retain(subjects []string) {
	keep := make(map[string]bool, len(subjects))
	for _, subject := range subjects {
		keep[subject] = true
	}
	for _, evaluations := range s.good {
		maps.DeleteFunc(evaluations, func(subject string, _ Evaluation) bool { return !keep[subject] })
	}
	for _, p := range s.policies {
		s.breakers[p].end(keep)
		if r, ok := p.(rememberer); ok {
			r.forget()
		}
	}
}

// NextTry is when a pass has something to gain by trying again what ran away
// before, although no fact has changed; zero if nothing has.
func (s *Set) NextTry() (next time.Time) {
	for _, b := range s.breakers {
		if len(b.suspects) > 0 && (next.IsZero() || b.due.Before(next)) {
			next = b.due
		}
	}
	return next
}

// rememberer is a policy that remembers evaluations.
type rememberer interface {
	recall(facts sdk.Source) (Evaluation, bool)
	forget() // what was not used since the last call
}

// Decide evaluates every policy on the facts about one subject, and returns the
// evaluations in order, with the error of each policy that failed. In place of
// a failed evaluation stands the last good one for that subject; a policy that
// never had one is absent.
//
// A policy that misses its deadline or passes its budget is not run again for the
// same subject before NextTry, and after a few such failures for nobody else in
// the same pass; they get its error, unless it remembers what it decides for them.
func (s *Set) Decide(ctx context.Context, subject string, facts sdk.Source) ([]Evaluation, []error) {
	var errs []error
	evaluations := make([]Evaluation, 0, len(s.policies))
	for _, p := range s.policies {
		evaluation, err := s.evaluate(ctx, p, subject, facts)
		if err == nil {
			s.remember(p.Name(), subject, evaluation)
		} else {
			errs = append(errs, err)
			var ok bool
			if evaluation, ok = s.good[p.Name()][subject]; !ok {
				continue
			}
		}
		evaluations = append(evaluations, evaluation)
	}
	return evaluations, errs
}

func (s *Set) evaluate(ctx context.Context, p Policy, subject string, facts sdk.Source) (Evaluation, error) {
	b := s.breakers[p]
	if err := b.stop(subject); err != nil {
		if r, ok := p.(rememberer); ok {
			if evaluation, ok := r.recall(facts); ok {
				return evaluation, nil
			}
		}
		return Evaluation{}, err
	}
	evaluation, err := p.Decide(ctx, facts)
	b.note(subject, err)
	return evaluation, err
}

func (s *Set) remember(policy, subject string, evaluation Evaluation) {
	if s.good[policy] == nil {
		s.good[policy] = map[string]Evaluation{}
	}
	s.good[policy][subject] = evaluation
}

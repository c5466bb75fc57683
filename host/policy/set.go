package policy

import (
	"context"
	"maps"
	"slices"

	"github.com/snatd/snatd/sdk"
)

// Set is the policies in order of precedence. It remembers the last good
// evaluation of each for each subject, so that a policy that fails goes on
// deciding as it did and never takes anything from the others. One goroutine
// uses it at a time.
type Set struct {
	policies []Policy
	good     map[string]map[string]Evaluation // by policy, by subject
}

// NewSet returns a Set of policies, the first in precedence first.
func NewSet(policies []Policy) *Set {
	return &Set{policies: policies, good: map[string]map[string]Evaluation{}}
}

// Replace changes the policies. What is remembered stays with the name: a new
// version of a module that fails leaves the decisions of the version before it
// in force. The set closes no policy.
func (s *Set) Replace(policies []Policy) {
	s.policies = policies
	maps.DeleteFunc(s.good, func(name string, _ map[string]Evaluation) bool {
		return !slices.ContainsFunc(policies, func(p Policy) bool { return p.Name() == name })
	})
}

// Retain forgets every subject but these, named as for Decide.
func (s *Set) Retain(subjects []string) {
	keep := make(map[string]bool, len(subjects))
	for _, subject := range subjects {
		keep[subject] = true
	}
	for _, evaluations := range s.good {
		maps.DeleteFunc(evaluations, func(subject string, _ Evaluation) bool { return !keep[subject] })
	}
}

// Decide evaluates every policy on the facts about one subject, and returns the
// evaluations in order, with the error of each policy that failed. In place of
// a failed evaluation stands the last good one for that subject; a policy that
// never had one is absent.
func (s *Set) Decide(ctx context.Context, subject string, facts sdk.Source) ([]Evaluation, []error) {
	var errs []error
	evaluations := make([]Evaluation, 0, len(s.policies))
	for _, p := range s.policies {
		evaluation, err := p.Decide(ctx, facts)
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

func (s *Set) remember(policy, subject string, evaluation Evaluation) {
	if s.good[policy] == nil {
		s.good[policy] = map[string]Evaluation{}
	}
	s.good[policy][subject] = evaluation
}

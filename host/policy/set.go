package policy

import (
	"context"
	"maps"
	"slices"
	"time"
	"unsafe"

	"github.com/snatd/snatd/rules"
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
	holds    map[string]map[*rules.Entry]bool // the first entry of each decision in good, by policy
	entries  map[string]int                   // of all those decisions, by policy
	gone     bool                             // a decision that is counted may not be in good any more
	good     map[string]map[string]Evaluation // by policy, by subject
	breakers map[Policy]*breaker
}

// NewSet returns a Set of policies, the first in precedence first. They are
// comparable.
func NewSet(policies []Policy) *Set {
	s := &Set{
		good: map[string]map[string]Evaluation{}, breakers: map[Policy]*breaker{},
		holds: map[string]map[*rules.Entry]bool{}, entries: map[string]int{},
	}
	s.Replace(policies)
	return s
}

// Replace changes the policies. What is remembered stays with the name: a new
// version of a module that fails leaves the decisions of the version before it
// in force. The set closes no policy.
func (s *Set) Replace(policies []Policy) {
	s.policies = policies
	before := len(s.good)
	maps.DeleteFunc(s.good, func(name string, _ map[string]Evaluation) bool {
		return !slices.ContainsFunc(policies, func(p Policy) bool { return p.Name() == name })
	})
	s.gone = s.gone || len(s.good) < before
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
		before := len(evaluations)
		maps.DeleteFunc(evaluations, func(subject string, _ Evaluation) bool { return !keep[subject] })
		s.gone = s.gone || len(evaluations) < before
	}
	s.recount()
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
	forget() // what was not used for some passes
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
			err = s.room(p.Name(), evaluation)
		}
		if err == nil {
			s.remember(p.Name(), subject, evaluation)
		} else {
			errs = append(errs, err)
			var ok bool
			if evaluation, ok = s.good[p.Name()][subject]; !ok {
				continue
			}
			evaluation.Kept = true
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

// Forget ends what a policy decided.
func (s *Set) Forget(policy string) {
	delete(s.good, policy)
	s.gone = true
}

// maxEntries bounds the entries of all different decisions of a policy together:
// one that tells pods apart could fill the node's memory within the limits of each
// decision. It is 250 pods with 800 prefixes of their own each.
const maxEntries = 200_000

// room says whether an evaluation may be kept; decisions that subjects share count
// once.
func (s *Set) room(policy string, e Evaluation) error {
	entries := e.Decision.Entries
	first := unsafe.SliceData(entries)
	if len(entries) == 0 || s.holds[policy][first] {
		return nil
	}
	if s.entries[policy]+len(entries) > maxEntries {
		return errorf(policy, ClassLimit, "more than %d prefixes in the different decisions for all subjects together", maxEntries)
	}
	s.hold(policy, entries)
	return nil
}

// hold counts the entries of a decision, unless it is counted already.
func (s *Set) hold(policy string, entries []rules.Entry) {
	first := unsafe.SliceData(entries)
	if len(entries) == 0 || s.holds[policy][first] {
		return
	}
	if s.holds[policy] == nil {
		s.holds[policy] = map[*rules.Entry]bool{}
	}
	s.holds[policy][first] = true
	s.entries[policy] += len(entries)
}

// recount counts what is left, if anything is gone.
func (s *Set) recount() {
	if !s.gone {
		return
	}
	s.gone = false
	clear(s.holds)
	clear(s.entries)
	for policy, evaluations := range s.good {
		for _, e := range evaluations {
			s.hold(policy, e.Decision.Entries)
		}
	}
}

func (s *Set) remember(policy, subject string, evaluation Evaluation) {
	if s.good[policy] == nil {
		s.good[policy] = map[string]Evaluation{}
	}
	before := s.good[policy][subject].Decision.Entries
	s.gone = s.gone || len(before) > 0 && unsafe.SliceData(before) != unsafe.SliceData(evaluation.Decision.Entries)
	s.good[policy][subject] = evaluation
}

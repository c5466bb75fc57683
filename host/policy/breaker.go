package policy

import (
	"errors"
	"maps"
)

// breaker keeps a policy that runs away from stalling a pass over hundreds of
// subjects, each for a whole deadline. After the first such failure the policy
// is not run again in that pass.
//
// One subject's facts may be what makes the policy run away, so it must not be
// the first again in the next pass: it is passed over until the policy has got
// through a pass without.
type breaker struct {
	tripped  *Error            // in this pass
	suspects map[string]*Error // subjects that it tripped on
}

// stop returns the error of an earlier run if the policy is not to be run now.
func (b *breaker) stop(subject string) error {
	if b.tripped != nil {
		return b.tripped
	}
	if e := b.suspects[subject]; e != nil {
		return e
	}
	return nil
}

// note looks at the outcome of a run.
func (b *breaker) note(subject string, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Class != ClassDeadline && e.Class != ClassBudget {
		return
	}
	skipped := *e
	skipped.skipped = true
	b.tripped = &skipped
	b.suspects[subject] = &skipped
}

// next begins another pass.
func (b *breaker) next(keep map[string]bool) {
	if b.tripped == nil {
		clear(b.suspects)
	}
	b.tripped = nil
	maps.DeleteFunc(b.suspects, func(subject string, _ *Error) bool { return !keep[subject] })
}

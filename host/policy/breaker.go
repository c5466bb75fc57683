package policy

import (
	"errors"
	"maps"
	"time"
)

// breaker keeps a policy that runs away, each time for a whole deadline, from
// stalling passes over hundreds of subjects.
//
// A subject that the policy ran away on is suspect: it is not run for it again
// until a try is due, with growing pauses. After a few such failures in a pass
// the policy is not run any more in that pass, and who had no turn is suspect
// too, untried. Tries go to those who were tried least, so that a few subjects
// that make a policy run away cannot keep it from deciding for the others.
type breaker struct {
	now      func() time.Time
	suspects map[string]*suspect
	due      time.Time // of the next try of suspects
	failures int       // tries in a row in which the policy ran away

	// Of the pass under way:
	begun  bool
	trying bool // suspects tried turn times have their turn
	turn   int
	trips  int    // failures so far on subjects that were not suspect
	again  int    // failures so far on suspects
	last   *Error // the newest of them
}

type suspect struct {
	err   *Error
	tried int // times that the policy ran away on it
}

// maxTrips bounds what a policy that runs away costs a pass, in deadlines: so
// many for suspects, and so many for the others.
const maxTrips = 3

func newBreaker() *breaker { return &breaker{now: time.Now, suspects: map[string]*suspect{}} }

// stop returns why the policy is not to be run for a subject now; nil if it is.
func (b *breaker) stop(subject string) error {
	if !b.begun {
		b.begin()
	}
	s := b.suspects[subject]
	switch {
	case s != nil && (!b.trying || s.tried > b.turn || b.again == maxTrips):
		return s.err
	case s == nil && b.trips == maxTrips:
		b.suspects[subject] = &suspect{err: b.last}
		return b.last
	}
	return nil
}

func (b *breaker) begin() {
	b.begun, b.trips, b.again, b.trying = true, 0, 0, false
	if len(b.suspects) == 0 || b.now().Before(b.due) {
		return
	}
	b.trying, b.turn = true, -1
	for _, s := range b.suspects {
		if b.turn < 0 || s.tried < b.turn {
			b.turn = s.tried
		}
	}
}

// note looks at the outcome of a run.
func (b *breaker) note(subject string, err error) {
	var e *Error
	if !errors.As(err, &e) || e.Class != ClassDeadline && e.Class != ClassBudget {
		delete(b.suspects, subject)
		return
	}
	skipped := *e
	skipped.skipped = true
	b.last = &skipped
	s := b.suspects[subject]
	if s == nil {
		s = &suspect{}
		b.suspects[subject] = s
		b.trips++
	} else {
		b.again++
	}
	s.err, s.tried = &skipped, s.tried+1
}

// end ends a pass over the subjects to keep.
func (b *breaker) end(keep map[string]bool) {
	maps.DeleteFunc(b.suspects, func(subject string, _ *suspect) bool { return !keep[subject] })
	switch {
	case len(b.suspects) == 0:
		b.failures = 0
	case b.trips+b.again > 0:
		b.failures++
		b.due = b.now().Add(Backoff(b.failures))
	case b.trying:
		// Nobody ran away in this turn; the next one is for those tried more.
		b.due = b.now().Add(Backoff(max(b.failures, 1)))
	}
	b.begun = false
}

// Backoff is the pause after n failures in a row: 100 ms, doubling, 30 s at most.
func Backoff(n int) time.Duration {
	const least, most = 100 * time.Millisecond, 30 * time.Second
	return min(least<<min(n-1, 10), most)
}

package policy

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"
)

// breaker keeps a policy that runs away, each time for a whole deadline, from
// stalling passes over hundreds of subjects.
//
// A subject that the policy ran away on is suspect: it is not run for it again
// until a try is due, with growing pauses. After a few such failures in a pass
// the policy is not run any more in that pass, and who had no turn is suspect
// too, untried. A try is soon, and for the untried, as long as there are any; then
// for those whose last try is the longest ago. Who waits the longest always has a
// turn. So subjects that make a policy run away cannot keep it from deciding for
// the others, however many come and go.
type breaker struct {
	now      func() time.Time
	suspects map[string]*suspect
	due      time.Time // of the next try of suspects
	failures int       // tries in a row in which the policy ran away
	moment   int       // counts what makes a suspect wait anew

	// Of the pass under way:
	begun  bool
	trying bool            // a try was due
	turn   map[string]bool // suspects that may be run
	eldest string          // of those, who waits the longest
	trips  int             // failures so far on subjects that were not suspect
	again  int             // failures so far on suspects
	last   *Error          // the newest of them
}

type suspect struct {
	err   *Error
	tried bool
	since int // the moment it waits from
}

// maxTrips bounds what a policy that runs away costs a pass, in deadlines: so
// many for suspects and one more for the eldest, and so many for the others.
const maxTrips = 3

func newBreaker() *breaker { return &breaker{now: time.Now, suspects: map[string]*suspect{}} }

// stop returns why the policy is not to be run for a subject now; nil if it is.
func (b *breaker) stop(subject string) error {
	if !b.begun {
		b.begin()
	}
	s := b.suspects[subject]
	switch {
	case s != nil && (!b.turn[subject] || b.again >= maxTrips && subject != b.eldest):
		return s.err
	case s == nil && b.trips == maxTrips:
		b.moment++
		b.suspects[subject] = &suspect{err: b.last, since: b.moment}
		return b.last
	}
	return nil
}

func (b *breaker) begin() {
	b.begun, b.trips, b.again, b.turn, b.eldest = true, 0, 0, nil, ""
	b.trying = !b.now().Before(b.due)
	if len(b.suspects) == 0 || !b.trying {
		return
	}
	names := slices.SortedFunc(maps.Keys(b.suspects), func(x, y string) int {
		return cmp.Compare(b.suspects[x].since, b.suspects[y].since)
	})
	b.eldest = names[0]
	b.turn = map[string]bool{b.eldest: true}
	untried := b.untried()
	for i, name := range names {
		if untried && !b.suspects[name].tried || !untried && i < maxTrips {
			b.turn[name] = true
		}
	}
}

// untried says whether a subject had no turn yet.
func (b *breaker) untried() bool {
	for _, s := range b.suspects {
		if !s.tried {
			return true
		}
	}
	return false
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
	b.moment++
	s.err, s.tried, s.since = &skipped, true, b.moment
}

// end ends a pass over the subjects to keep.
func (b *breaker) end(keep map[string]bool) {
	maps.DeleteFunc(b.suspects, func(subject string, _ *suspect) bool { return !keep[subject] })
	now := b.now()
	if len(b.suspects) == 0 {
		b.failures, b.due = 0, time.Time{}
	} else if b.trying {
		if b.trips+b.again > 0 {
			b.failures++
		} else {
			b.failures = 1
		}
		b.due = now.Add(Backoff(b.failures))
	}
	if soon := now.Add(Backoff(1)); b.untried() && soon.Before(b.due) {
		b.due = soon
	}
	b.begun = false
}

// Backoff is the pause after n failures in a row: 100 ms, doubling, 30 s at most.
func Backoff(n int) time.Duration {
	const least, most = 100 * time.Millisecond, 30 * time.Second
	return min(least<<min(max(n-1, 0), 10), most)
}

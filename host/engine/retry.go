package engine

import (
	"time"

	"github.com/snatd/snatd/host/policy"
)

// retries plan when to try again what failed and may pass: each source on its
// own, so that one that fails for long does not make another one wait.
type retries map[string]attempt

type attempt struct {
	failures int
	at       time.Time
}

// plan takes note of the sources that fail now, and returns when the first of
// them is due; zero for never. A try before its time, for another reason, does
// not make the pauses longer.
func (r retries) plan(now time.Time, failing []string) (next time.Time) {
	still := map[string]bool{}
	for _, source := range failing {
		still[source] = true
		a := r[source]
		if !now.Before(a.at) {
			a.failures++
			a.at = now.Add(policy.Backoff(a.failures))
			r[source] = a
		}
		next = earlier(next, a.at)
	}
	for source := range r {
		if !still[source] {
			delete(r, source)
		}
	}
	return next
}

// earlier is the earlier of two times, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

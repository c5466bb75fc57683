package test

import (
	"testing"
	"time"
)

// TestFireAtomicity: whatever changes, each new flow is decided as before or as
// after.
func TestFireAtomicity(t *testing.T) {
	f := lightFire(t)
	changes, protected := fireSize(150, 1000), 0
	start := time.Now()
	for done := 0; done < changes; {
		if done%25 == 24 {
			if f.disturb() {
				protected++
			}
			done++
			continue
		}
		together := min([]int{1, 1, 1, 1, 2, 3}[f.random.IntN(6)], changes-done)
		s := f.propose(together)
		f.request(s)
		f.applied(s)
		done += len(s.changes)
	}
	f.end()
	took := time.Since(start)
	t.Logf("%d changes in %s, %.0f flows/s; %d of them to a protected table, by others", changes,
		took.Round(time.Millisecond), float64(f.history.flows)/took.Seconds(), protected)
}

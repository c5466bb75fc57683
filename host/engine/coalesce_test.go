package engine

import (
	"testing"
	"time"
)

// transactions are when changes are applied that come at these times, in
// milliseconds, if a pass takes none.
func transactions(changes ...int) (applied []int) {
	start := time.Unix(0, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var c coalescer
	const least = 10 * time.Millisecond
	for i := 0; i < len(changes); {
		now := at(changes[i])
		if now.Before(c.applied) {
			now = c.applied // it came during the pass
		}
		c.came(now, least)
		due := c.due(now, least)
		for i++; i < len(changes) && !at(changes[i]).After(due); i++ {
			c.came(at(changes[i]), least)
		}
		if due.Before(now) {
			due = now
		}
		c.passed(due, due, true)
		applied = append(applied, int(due.Sub(start)/time.Millisecond))
	}
	return applied
}

func TestCoalesce(t *testing.T) {
	equal := func(what string, got []int, want ...int) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: applied at %v, want %v", what, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s: applied at %v, want %v", what, got, want)
			}
		}
	}
	equal("alone", transactions(0, 100, 1000), 0, 100, 1000)
	equal("every 20 ms", transactions(0, 20, 40, 60, 80, 100), 0, 20, 40, 60, 80, 100)
	equal("two together", transactions(0, 1, 500, 501), 0, 10, 500, 510)
	equal("every 11 ms", transactions(0, 11, 22, 33, 44), 0, 11, 22, 33, 44)
	equal("a short burst", transactions(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 0, 10)
	var dense []int
	for ms := range 1500 {
		dense = append(dense, ms)
	}
	if got := transactions(dense...); len(got) > 20 {
		t.Errorf("a burst of 1.5 s is applied %d times: %v", len(got), got)
	}
	// After a burst a change that comes alone is not delayed.
	got := transactions(append(dense, 1800, 1900, 1950)...)
	equal("after a burst", got[len(got)-3:], 1800, 1900, 1950)
}

// A pass that changes nothing leaves as much time as it took, within the window.
func TestCoalesceWithoutTransaction(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, test := range []struct{ took, change, due int }{
		{3, 4, 6}, {3, 6, 6}, {3, 50, 50}, {60, 61, 71},
	} {
		var c coalescer
		c.passed(at(0), at(test.took), false)
		c.came(at(test.change), 10*time.Millisecond)
		due := c.due(at(test.change), 10*time.Millisecond)
		if due.Before(at(test.change)) {
			due = at(test.change)
		}
		if due != at(test.due) {
			t.Errorf("%+v: due at %s", test, due.Sub(start))
		}
	}
}

package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/dataplane"
)

// A subscription that cannot be had or that ends is a problem, and tried for again with
// pauses that grow, until one lasts; then all has to be looked at.
func TestWatcher(t *testing.T) {
	var refused error
	tries := 0
	w := watcher{subscribe: func(context.Context) (dataplane.Watching, error) {
		tries++
		return dataplane.Watching{Found: make(chan dataplane.Disturbance)}, refused
	}}
	now := time.Now()
	follow := func(wantTries int, wantMissed bool) {
		t.Helper()
		if missed := w.follow(t.Context(), now); missed != wantMissed || tries != wantTries {
			t.Fatalf("missed %v after %d tries, want %v after %d", missed, tries, wantMissed, wantTries)
		}
	}
	expect := func(pause time.Duration, problem string) {
		t.Helper()
		var p problems
		next := w.report(&p)
		if problem == "" && (len(p.list) != 0 || !next.IsZero() || w.Found == nil) {
			t.Fatalf("problems %v until %s", p.list, next)
		}
		if problem != "" && (len(p.list) != 1 || !strings.Contains(p.list[0].Message, problem) || next.Sub(now) != pause || w.Found != nil) {
			t.Fatalf("problems %v, next try after %s, want %q and %s", p.list, next.Sub(now), problem, pause)
		}
	}
	follow(1, false) // the first misses nothing
	follow(1, false)
	expect(0, "")

	// It ends again and again as soon as there is one.
	ended := errors.New("ended by the test")
	for n, pause := range []time.Duration{100, 200, 400} {
		pause *= time.Millisecond
		w.failed(ended, now)
		expect(pause, "ended by the test")
		follow(n+1, false) // not before its time
		now = now.Add(pause)
		follow(n+2, true)
		expect(0, "")
	}
	// None can be had.
	w.failed(ended, now)
	refused = errors.New("refused by the test")
	now = now.Add(800 * time.Millisecond)
	follow(5, false)
	expect(1600*time.Millisecond, "refused by the test")
	refused = nil
	now = now.Add(1600 * time.Millisecond)
	follow(6, true)
	// One that lasted a while begins with short pauses.
	now = now.Add(2 * steadyAfter)
	w.failed(ended, now)
	expect(100*time.Millisecond, "ended by the test")
}

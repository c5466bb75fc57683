package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/policy"
)

// watcher hears what others do to what snatd keeps in the kernel. A subscription that
// cannot be had or that ends is tried again, with pauses that grow.
type watcher struct {
	subscribe func(context.Context) (dataplane.Watching, error)
	// Watching is silent while there is no subscription.
	dataplane.Watching
	since    time.Time // there is one; zero: there is none
	failure  error     // why there is none; nil if none was tried for yet
	failures int       // in a row
	again    time.Time // when it is tried for again
}

// steadyAfter is how long a subscription lasts that does not count as one failure of many.
const steadyAfter = time.Minute

// follow sees to it that there is a subscription. It says whether there was none for a
// while, so that something may have been missed.
func (w *watcher) follow(ctx context.Context, now time.Time) (missed bool) {
	if !w.since.IsZero() || now.Before(w.again) {
		return false
	}
	watching, err := w.subscribe(ctx)
	if err != nil {
		w.failed(err, now)
		return false
	}
	missed = w.failure != nil
	w.Watching, w.since, w.failure = watching, now, nil
	return missed
}

// failed takes note that a subscription has ended or could not be had.
func (w *watcher) failed(err error, now time.Time) {
	if !w.since.IsZero() && now.Sub(w.since) > steadyAfter {
		w.failures = 0
	}
	w.failures++
	w.Watching, w.since, w.failure = dataplane.Watching{}, time.Time{}, err
	w.again = now.Add(policy.Backoff(w.failures))
}

// report adds the problem that there is no subscription, and returns when it is tried for
// again; zero if there is one.
func (w *watcher) report(p *problems) (next time.Time) {
	if w.failure == nil {
		return time.Time{}
	}
	p.add("kernel", fmt.Errorf("what others do to snatd's rules is not told and waits for the next verification (network.verify): %w", w.failure))
	return w.again
}

package source

import (
	"math/rand/v2"
	"time"
)

// Pace says how long to wait between attempts. It is not safe for use by many
// goroutines.
type Pace struct {
	interval, firstRetry time.Duration
	// retry is the wait after the failure before; 0 if there was none.
	retry time.Duration
}

// NewPace makes a pace with an interval between successes, and a first wait
// after a failure. That doubles with each failure in a row, up to the interval.
func NewPace(interval, firstRetry time.Duration) *Pace {
	return &Pace{interval: interval, firstRetry: firstRetry}
}

// After is how long to wait after an attempt, 10 % more or less, so that the
// nodes of a cluster do not ask in step, also after a failure that all of them
// met.
func (p *Pace) After(failed bool) time.Duration {
	wait := p.interval
	if failed {
		p.retry = min(max(p.firstRetry, 2*p.retry), p.interval)
		wait = p.retry
	} else {
		p.retry = 0
	}
	return time.Duration((0.9 + 0.2*rand.Float64()) * float64(wait))
}

// Rest is how long a source is left alone after a look, whoever asks: asking a
// tenth of the time leaves the source to others most of it, however much there
// is to read. It is the first retry at most.
func (p *Pace) Rest(took time.Duration) time.Duration {
	return min(10*took, p.firstRetry)
}

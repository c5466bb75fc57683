// Package source is what sources of facts have in common that are asked again
// and again: how often, what stays in force while they fail, and what is said
// about it.
//
// It knows no source. What is read, and whether that is to be believed, is for
// the package of each source to say.
package source

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/snatd/snatd/host/facts"
)

// Options are how a source is followed.
type Options[T any] struct {
	// Name is the source's in its provenance and before its errors, such as "imds".
	Name string
	// Title and Subject are the source and what it tells of in the log, such as
	// "the instance metadata service" and "instance metadata".
	Title, Subject string
	// Interval is about how often the source is read, and FirstRetry how long after
	// a first failure: see Pace.
	Interval, FirstRetry time.Duration
	// Look reads everything, or fails. A value beside an error is what is to be in
	// force although something is missing from it or old. What it returns is never
	// written to again. Its errors have the same text as long as the same is wrong.
	Look func(context.Context) (*T, error)
	// Equal tells that both are the same in everything. The second one may be nil.
	Equal func(a, b *T) bool
	// Attributes are what the log says about a value that is new.
	Attributes func(*T) []any
	// Log is told what changes, not every look; nil for nothing.
	Log *slog.Logger
}

// Poller follows a source. It is safe for use by many goroutines.
type Poller[T any] struct {
	options Options[T]
	asked   chan struct{}
	changed chan struct{}

	mu         sync.Mutex
	latest     *T
	provenance facts.Provenance
}

// NewPoller makes a poller; it asks nothing yet.
func NewPoller[T any](options Options[T]) *Poller[T] {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Poller[T]{
		options:    options,
		asked:      make(chan struct{}, 1),
		changed:    make(chan struct{}, 1),
		provenance: facts.Provenance{Source: options.Name},
	}
}

// Run looks at once, and then again at the interval, after Refresh, and sooner
// after failures, until ctx ends. It must run only once.
func (p *Poller[T]) Run(ctx context.Context) {
	pace := NewPace(p.options.Interval, p.options.FirstRetry)
	for {
		// Who asked before this look is served by it.
		drain(p.asked)
		started := time.Now()
		value, err := p.options.Look(ctx)
		if ctx.Err() != nil {
			return
		}
		done := time.Now()
		wait := pace.After(err != nil)
		p.observe(value, err, done, done.Add(wait))
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-p.asked:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(done.Add(pace.Rest(done.Sub(started))))):
			}
		}
	}
}

// Refresh asks for a look now, as something has changed. It does not wait. Calls
// that come faster than looks are one.
func (p *Poller[T]) Refresh() { Signal(p.asked) }

// Changed has a tick once the value, or the error in its provenance, is not what
// it was when the last tick was taken. It is never closed.
func (p *Poller[T]) Changed() <-chan struct{} { return p.changed }

// Latest is the last value that was read, whole, and how fresh it is; nil until
// there is one. It is the same pointer as long as the value is equal.
func (p *Poller[T]) Latest() (*T, facts.Provenance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest, p.provenance
}

// observe takes in what a look gave. A failure without a value leaves the value as
// it was.
func (p *Poller[T]) observe(value *T, err error, now, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := &p.options
	before, text := p.provenance.Error, ""
	p.provenance.Next = next
	if err != nil {
		text = o.Name + ": " + err.Error()
		p.provenance.Fail(now, text)
	} else {
		p.provenance.Mend()
	}
	if value != nil {
		p.provenance.Success = now
	}
	if text != before {
		p.tell(text, value != nil)
	}
	same := value == nil || o.Equal(value, p.latest)
	if !same {
		p.latest = value
		o.Log.Info(o.Subject+" changed", o.Attributes(value)...)
	}
	if !same || text != before {
		Signal(p.changed)
	}
}

// tell logs the text of an error that is another one than before, or its end.
func (p *Poller[T]) tell(text string, inPart bool) {
	o := &p.options
	switch {
	case text == "":
		o.Log.Info(o.Title + " can be used again")
	case inPart:
		o.Log.Warn(o.Title+" can be used in part only: what it said last stays in force for the rest", "error", text)
	case p.latest == nil:
		o.Log.Warn(o.Title+" cannot be used: "+o.Subject+" is not known yet", "error", text)
	default:
		o.Log.Warn(o.Title+" cannot be used: what it said last stays in force", "error", text)
	}
}

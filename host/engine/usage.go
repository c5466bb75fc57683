package engine

import (
	"sync"
	"time"

	"github.com/snatd/snatd/host/flow"
)

// A large table of connections takes a while to read, so what was read counts for some
// seconds, and for so long that a tenth of the time is spent on it at most, however many
// ask.
const (
	usageFor    = 5 * time.Second
	usageFactor = 10
)

// MostPortUses is how many endpoints Usage lists.
const MostPortUses = 10

// usage is what translated connections take, read when somebody asks.
type usage struct {
	read func(most int, marks ...uint32) (flow.Usage, error)

	mu   sync.Mutex
	due  time.Time // of the next reading
	last flow.Usage
	err  error
}

func newUsage(read func(most int, marks ...uint32) (flow.Usage, error)) *usage {
	return &usage{read: read}
}

// now is as of some seconds ago at most.
func (u *usage) now(marks []uint32) (flow.Usage, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if start := time.Now(); !start.Before(u.due) {
		u.last, u.err = u.read(MostPortUses, marks...)
		done := time.Now()
		u.due = done.Add(max(usageFor, usageFactor*done.Sub(start)))
	}
	return u.last, u.err
}

// Usage sums up the translated connections, and lists the endpoints towards which the most
// ports are held. Others than the one who runs the engine may ask.
func (e *Engine) Usage() (flow.Usage, error) {
	ruleset := e.State().Ruleset
	if ruleset == nil {
		return flow.Usage{}, nil
	}
	return e.usage.now(append([]uint32{ruleset.Network.Mark}, ruleset.Network.EarlierMarks...))
}

// Transactions counts those that the kernel took, and those that it refused or did not
// answer.
func (e *Engine) Transactions() (accepted, failed uint64) { return e.dataplane.Transactions() }

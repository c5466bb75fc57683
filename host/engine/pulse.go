package engine

import (
	"sync/atomic"
	"time"
)

// pulseEvery is how often the loop shows that it goes on while there is nothing to do.
const pulseEvery = 10 * time.Second

// pulse is when the loop was last seen to go on. It is for several goroutines.
type pulse struct{ last atomic.Pointer[time.Time] }

func (p *pulse) beat() {
	now := time.Now()
	p.last.Store(&now)
}

// Progress is when the loop last went on: it waits for changes, and did not stay where it
// was. While nothing is wrong that is some seconds ago at most, or as long as a pass takes.
func (e *Engine) Progress() time.Time { return *e.pulse.last.Load() }

package engine

import "time"

// coalescer says when the next pass may begin, so that changes that come together
// are applied together: a change that comes alone does not wait, one that comes
// right after another waits for those behind it, and the longer that goes on, the
// longer each waits.
type coalescer struct {
	// window is how long after a transaction the next one waits.
	window time.Duration
	// applied is when the last transaction ended, and rested until when a pass
	// that changed nothing leaves the machine to others.
	applied, rested time.Time
	heard           time.Time // when the last change came
}

// burst is how many times as long as one change a lasting burst waits.
const burst = 10

// passed takes note of a pass.
func (c *coalescer) passed(began, ended time.Time, changed bool) {
	if changed {
		c.applied = ended
	}
	c.rested = ended.Add(ended.Sub(began))
}

// came takes note of a change, where least is how long one may wait for others.
func (c *coalescer) came(now time.Time, least time.Duration) {
	if now.Sub(c.heard) <= least {
		c.window *= 2
	} else {
		c.window /= 2
	}
	c.window = min(max(c.window, least/2), burst*least)
	c.heard = now
}

// due is when a change that has come now is to be applied.
func (c *coalescer) due(now time.Time, least time.Duration) time.Time {
	due := c.applied.Add(c.window)
	rested := c.rested
	if soon := now.Add(least); rested.After(soon) {
		rested = soon
	}
	if rested.After(due) {
		return rested
	}
	return due
}

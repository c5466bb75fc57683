package engine

import (
	"sync"

	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// counting sums what the kernel counted of the first packets of connections. Counters go
// with their classes; they are read before they do, so that the sums never fall.
type counting struct {
	read  func(table string) (map[string]nft.Count, error)
	mu    sync.Mutex // readings are added in their order
	tally *rules.Tally
}

// newCounting counts from now on: what was counted before is that of an earlier run.
func newCounting(read func(table string) (map[string]nft.Count, error)) (*counting, error) {
	before, err := read(rules.TableName)
	return &counting{read: read, tally: rules.NewTally(before)}, err
}

// totals are the sums by module and action, since the daemon's start. It may be called by
// others than the one who runs the engine.
func (c *counting) totals() (map[rules.Decider]nft.Count, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, err := c.read(rules.TableName)
	if err == nil {
		c.tally.Add(counts)
	}
	return c.tally.Totals(), err
}

// Decided counts the connections by the module that decided about their first packet, and
// by action. With an error it is what was known before.
func (e *Engine) Decided() (map[rules.Decider]nft.Count, error) { return e.counting.totals() }

package engine

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snatd/snatd/host/flow"
)

// However many ask, connections are read once in a while, and seldom if that takes long.
func TestUsageIsReadSeldom(t *testing.T) {
	for took, pause := range map[time.Duration]time.Duration{time.Millisecond: usageFor, 2 * time.Second: 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			readings := 0
			u := newUsage(func(int, ...uint32) (flow.Usage, error) {
				time.Sleep(took)
				readings++
				return flow.Usage{Ports: []flow.PortUse{{Ports: readings}}}, errors.New("in part")
			})
			ask := func(want int) {
				t.Helper()
				// An error counts for as long as what was read.
				if now, err := u.now(nil); now.Ports[0].Ports != want || err == nil || readings != want {
					t.Errorf("%d readings, the answer is that of reading %d, want %d; error %v", readings, now.Ports[0].Ports, want, err)
				}
			}
			ask(1)
			time.Sleep(pause - time.Millisecond)
			ask(1)
			time.Sleep(time.Millisecond)
			ask(2)
		})
	}
}

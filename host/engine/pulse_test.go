package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A loop that has nothing to do goes on; one that hangs in what it does is seen to.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links, hanging, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		e := &Engine{reader: &Reader{}, modules: &Modules{loads: newLoads()}, healer: newHealer(0)}
		e.follower.links = links
		e.reader.services.refresh = func() { <-hanging }
		ctx, cancel := context.WithCancel(t.Context())
		e.pulse.beat()
		go func() {
			defer close(done)
			e.await(ctx, nil)
		}()
		stands := func() time.Duration { return time.Since(e.Progress()) }
		for range 100 {
			time.Sleep(time.Minute)
			if now := stands(); now > pulseEvery {
				t.Fatalf("an idle loop stands for %s", now)
			}
		}
		links <- struct{}{}
		time.Sleep(time.Hour)
		if now := stands(); now < time.Hour-pulseEvery {
			t.Errorf("a loop that hangs stands for %s", now)
		}
		cancel()
		close(hanging)
		<-done
	})
}

package engine

import (
	"context"
	"time"

	"github.com/snatd/snatd/host/dataplane"
)

// meanwhile does work that takes a while and has nothing to do with the kernel's rules,
// such as evaluating policies, and sees to these until it is done: they stay with the
// goroutine that runs the loop. If that asks for a pass, one follows the one under way.
func (e *Engine) meanwhile(ctx context.Context, work func()) {
	links, linked := e.follower.links, false // work may begin to follow others
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	for {
		select {
		case <-done:
			if linked {
				e.again = e.linked() || e.again
			}
			return
		case d := <-e.watcher.Found:
			e.healer.disturbed(d, time.Now())
		case err := <-e.watcher.Ended:
			e.watcher.failed(err, time.Now())
		case <-timer(e.watcher.next()):
			e.listen(ctx)
		case <-timer(e.healer.next()):
			e.again = e.heal() || e.again
		case _, ok := <-links:
			if !ok {
				links = nil // await will see it too
			}
			linked = true
			e.routing()
		}
	}
}

// listen sees to it that what others do is told. After a while in which it was not, it is
// looked for.
func (e *Engine) listen(ctx context.Context) {
	if e.watcher.follow(ctx, time.Now()) {
		e.healer.missed(time.Now())
	}
}

// routing has the routing rules healed if something is wrong with them: nobody tells who
// did it.
func (e *Engine) routing() {
	if !e.installer.routed() {
		e.healer.disturbed(dataplane.Disturbance{}, time.Now())
	}
}

// linked looks at a change of the node's network, and says whether a pass has to follow.
func (e *Engine) linked() (pass bool) {
	e.askAgain()
	return e.reader.linkChanged()
}

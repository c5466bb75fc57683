package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
)

// guarding is an engine with rules in the kernel of a namespace, whose changes by others
// it is told of.
func guarding(t *testing.T, n *nstest.Namespace) *Engine {
	t.Helper()
	i, kernel := openKernel(t, n)
	if _, err := i.install(ruleset(t, 0x80)); err != nil {
		t.Fatal(err)
	}
	e := &Engine{log: slog.New(slog.DiscardHandler), installer: *i, healer: newHealer(0), reader: NewReader(nil, nil)}
	e.watcher.subscribe = func(ctx context.Context) (w dataplane.Watching, err error) {
		n.Do(func() { w, err = kernel.Watch(ctx, rules.TableName) })
		return w, err
	}
	e.state.Store(&State{})
	if e.watcher.follow(t.Context(), time.Now()); e.watcher.failure != nil {
		t.Fatal(e.watcher.failure)
	}
	return e
}

// What others do while something takes long is put right meanwhile: here the work ends
// when it is.
func TestHealingMeanwhile(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	nstest.Need(t, "ip", "iproute2")
	for what, by := range map[string][]string{
		"the table":        {"nft", "flush", "ruleset"},
		"the routing rule": {"ip", "rule", "del", "priority", "1025"},
	} {
		t.Run(what, func(t *testing.T) {
			n := nstest.New(t)
			e := guarding(t, n)
			links := make(chan struct{}, 1)
			e.follower.links = links
			_, kernel := openKernel(t, n) // of the work, which is another goroutine
			whole := e.installer.holds.Table().String()
			e.meanwhile(func() {
				n.Run(by[0], by[1:]...)
				links <- struct{}{} // as the kernel tells of the rule
				nstest.Eventually(t, what, func() bool {
					held, err := kernel.Read(rules.TableName)
					missing, _, unlisted := kernel.CheckRouting(0x80)
					return errors.Join(err, unlisted) == nil && held.String() == whole && len(missing) == 0
				})
			})
			if state := e.State(); state.Repairs != 1 || len(state.Repaired.What) != 1 {
				t.Errorf("%d repairs, the last %+v", state.Repairs, state.Repaired)
			}
			if !e.again { // the reader has not read the network yet
				t.Error("no pass follows a change of the network")
			}
		})
	}
}

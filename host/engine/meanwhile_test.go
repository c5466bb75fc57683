package engine

import (
	"context"
	"errors"
	"log/slog"
	"strings"
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

// What cannot be put right is tried again, also while something takes long, and told.
func TestHealingRefused(t *testing.T) {
	i, k := newInstaller()
	wanted := ruleset(t, 0x80)
	if _, err := i.install(wanted); err != nil {
		t.Fatal(err)
	}
	e := &Engine{log: slog.New(slog.DiscardHandler), installer: *i, healer: newHealer(0), reader: NewReader(nil, nil)}
	e.state.Store(&State{})
	refused := &dataplane.ApplyError{Kind: dataplane.ErrInterrupted, Err: errors.New("by the test")}
	k.table, k.refuse = nil, []error{refused, refused, refused}
	e.healer.disturbed(disturbance("nft"), time.Now())
	if pass := e.heal(); !pass || k.table != nil {
		t.Fatalf("a pass follows: %v", pass)
	}
	var p problems
	if e.healer.report(&p, time.Now()); len(p.list) != 1 || !strings.Contains(p.list[0].Message, "by the test") {
		t.Errorf("problems %v", p.list)
	}
	e.meanwhile(t.Context(), func() {
		nstest.Eventually(t, "putting it right", func() bool { return e.State().Repairs == 1 })
	})
	k.holds(t, wanted, 0x80)
	p = problems{}
	if e.healer.report(&p, time.Now()); len(p.list) > 0 || !e.again || e.State().Repaired.By != "nft (PID 7)" {
		t.Errorf("problems %v, a pass follows: %v, repaired %+v", p.list, e.again, e.State().Repaired)
	}
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
			e.meanwhile(t.Context(), func() {
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

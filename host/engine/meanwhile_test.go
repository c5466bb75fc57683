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
	e, k, wanted := healing(t)
	refused := &dataplane.ApplyError{Kind: dataplane.ErrInterrupted, Err: errors.New("by the test")}
	k.table, k.refuse = nil, []error{refused, refused, refused}
	e.healer.disturbed(disturbance("nft"), time.Now())
	if pass := e.heal(); !pass || k.table != nil {
		t.Fatalf("a pass follows: %v", pass)
	}
	if list := e.problems(); len(list) != 1 || !strings.Contains(list[0], "by the test") {
		t.Errorf("problems %q", list)
	}
	e.meanwhile(t.Context(), func() {
		nstest.Eventually(t, "putting it right", func() bool { return e.State().Repairs == 1 })
	})
	k.holds(t, wanted, 0x80)
	if list := e.problems(); len(list) > 0 || !e.again || e.State().Repaired.By != "nft (PID 7)" {
		t.Errorf("problems %q, a pass follows: %v, repaired %+v", list, e.again, e.State().Repaired)
	}
}

// healing is an engine over a kernel in memory that holds a ruleset.
func healing(t *testing.T) (*Engine, *fakeKernel, *rules.Ruleset) {
	t.Helper()
	i, k := newInstaller()
	wanted := ruleset(t, 0x80)
	if _, err := i.install(wanted); err != nil {
		t.Fatal(err)
	}
	e := &Engine{log: i.log, installer: *i, healer: newHealer(0), reader: NewReader(nil, nil)}
	e.state.Store(&State{})
	return e, k, wanted
}

func (e *Engine) problems() (list []string) {
	var p problems
	e.healer.report(&p, time.Now())
	for _, one := range p.list {
		list = append(list, one.Message)
	}
	return list
}

// Only what was put right is told as that, and a repair that is refused again and again is
// no fight.
func TestHealingIsTold(t *testing.T) {
	e, k, wanted := healing(t)
	k.table = nil
	e.healer.disturbed(disturbance("nft"), time.Now())
	e.heal()
	k.table = nil
	for range 2 * repairsAtOnce {
		k.refuse = append(k.refuse, errors.New("by the test"))
	}
	e.healer.disturbed(disturbance("firewalld"), time.Now())
	for len(k.refuse) > 0 {
		e.heal()
		if s := e.State(); s.Repairs != 1 || s.Repaired.By != "nft (PID 7)" || len(e.problems()) != 1 {
			t.Fatalf("%d repairs, the last %+v, problems %q", s.Repairs, s.Repaired, e.problems())
		}
	}
	if e.heal(); e.State().Repairs != 2 || e.State().Repaired.By != "firewalld (PID 7)" || len(e.problems()) > 0 {
		t.Errorf("%d repairs, the last %+v, problems %q", e.State().Repairs, e.State().Repaired, e.problems())
	}
	k.holds(t, wanted, 0x80)
	k.unread = errors.New("by the test")
	if e.heal(); len(e.problems()) != 1 || !strings.HasPrefix(e.problems()[0], "what the kernel has of snatd's rules cannot be looked at: ") {
		t.Errorf("problems %q", e.problems())
	}
}

// A plan that never fits gives way to one that fits anything.
func TestHealingReplaces(t *testing.T) {
	e, k, wanted := healing(t)
	k.table.Maps = nil
	busy := &dataplane.ApplyError{Kind: dataplane.ErrOutOfStep, Err: errors.New("by the test")}
	k.refuse = []error{busy, busy}
	for range mostMistakes + 1 {
		e.heal()
	}
	k.holds(t, wanted, 0x80)
}

// What a refused change of snatd's own has left is nobody else's doing: a verification leaves
// it to the next pass, also the routing rule. What others do then is put right.
func TestHealingOwnChange(t *testing.T) {
	e, k, first := healing(t)
	lost := &dataplane.ApplyError{Kind: dataplane.ErrInDoubt, Err: errors.New("by the test")}
	k.refuse = []error{lost, lost}
	second := ruleset(t, 0x40, "172.31.0.0/16")
	if _, err := e.installer.install(second); err == nil {
		t.Fatal("no error")
	}
	k.table = second.Table() // it was only the answer that was lost
	e.heal()
	k.holds(t, second, 0x40, 0x80)
	k.table = nil
	e.healer.disturbed(disturbance("nft"), time.Now())
	e.heal()
	k.holds(t, first, 0x40, 0x80)
	if e.State().Repairs != 1 {
		t.Errorf("%d repairs", e.State().Repairs)
	}
	if _, err := e.installer.install(second); err != nil {
		t.Fatal(err)
	}
	k.holds(t, second, 0x40)
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

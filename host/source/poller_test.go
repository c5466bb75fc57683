package source_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snatd/snatd/host/source"
)

func TestLooksAtOnceAndThenAtTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{value: 1}
		drill(t, w)
		if value, p := w.Latest(); value == nil || *value != 1 || p.Source != "well" || !p.Success.Equal(time.Now()) || !p.Failure.IsZero() || p.Error != "" {
			t.Errorf("%v from %+v", value, p)
		}
		if !w.ticked() {
			t.Error("the first value is told to nobody")
		}
		_, first := w.Latest()
		time.Sleep(time.Until(first.Next) - time.Nanosecond)
		synctest.Wait()
		if looks := w.seen(); len(looks) != 1 {
			t.Errorf("looks at %v, before %s", looks, first.Next)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if looks := w.seen(); len(looks) != 2 || !about(looks[1], time.Minute) {
			t.Errorf("looks at %v", looks)
		}
	})
}

func TestRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{value: 1, took: 20 * time.Millisecond}
		drill(t, w)
		// The source rests for ten times what a look took; many calls are one.
		for range 100 {
			w.Refresh()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if looks := w.seen(); len(looks) != 2 || looks[1] != 220*time.Millisecond {
			t.Errorf("looks at %v", looks)
		}
	})
}

// Who asks while a look is under way wants one that began later.
func TestRefreshDuringLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{value: 1, took: time.Second}
		drill(t, w)
		w.Refresh()
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		w.Refresh()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if looks := w.seen(); len(looks) != 3 {
			t.Errorf("looks at %v", looks)
		}
	})
}

func TestSameValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{value: 1}
		drill(t, w)
		w.ticked()
		before, first := w.Latest()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		after, second := w.Latest()
		if before != after {
			t.Errorf("%p is now %p", before, after)
		}
		if !second.Success.After(first.Success) {
			t.Errorf("last read at %s", second.Success)
		}
		if w.ticked() {
			t.Error("there is a tick")
		}
		w.give(2, nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if after, _ := w.Latest(); *after != 2 || *before != 1 {
			t.Errorf("%d, and before %d", *after, *before)
		}
		if !w.ticked() {
			t.Error("there is no tick")
		}
	})
}

func TestFailureKeepsTheLastGoodValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{value: 1}
		drill(t, w)
		w.ticked()
		before, _ := w.Latest()
		w.give(none, errors.New("dry"))
		w.Refresh()
		synctest.Wait()
		after, p := w.Latest()
		if after != before || p.Error != "well: dry" || !p.Failure.After(p.Success) && !p.Failure.Equal(p.Success) {
			t.Errorf("%v from %+v", *after, p)
		}
		if !w.ticked() {
			t.Error("the failure is told to nobody")
		}
		looks := len(w.seen())
		time.Sleep(4 * time.Second) // failures at 0, 1 and 3 seconds, or so
		synctest.Wait()
		if got := len(w.seen()) - looks; got != 2 {
			t.Errorf("%d retries", got)
		}
		if w.ticked() {
			t.Error("the same failure is told again")
		}
		w.give(1, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if after, p := w.Latest(); after != before || p.Error != "" || p.Failure.IsZero() {
			t.Errorf("%v from %+v", *after, p)
		}
		if !w.ticked() {
			t.Error("the end of the failure is told to nobody")
		}
	})
}

func TestFirstLookFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{err: errors.New("dry")}
		drill(t, w)
		if value, p := w.Latest(); value != nil || !p.Success.IsZero() || p.Error != "well: dry" || !p.Next.After(p.Failure) {
			t.Errorf("%v from %+v", value, p)
		}
	})
}

// A value beside an error is in force, and the error is told.
func TestValueBesideError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{value: 1, err: errors.New("murky")}
		drill(t, w)
		before, p := w.Latest()
		if before == nil || *before != 1 || p.Error != "well: murky" || !p.Success.Equal(time.Now()) || !p.Failure.Equal(time.Now()) {
			t.Errorf("%v from %+v", before, p)
		}
		if !w.ticked() {
			t.Error("the value is told to nobody")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if looks := w.seen(); len(looks) != 3 {
			t.Errorf("looks at %v, want them as after failures", looks)
		}
		if after, _ := w.Latest(); after != before || w.ticked() {
			t.Errorf("the same value and error are told again, as %p after %p", after, before)
		}
		w.give(2, errors.New("murky"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if after, p := w.Latest(); *after != 2 || p.Error == "" || !w.ticked() {
			t.Errorf("%v from %+v", *after, p)
		}
		w.give(2, nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if _, p := w.Latest(); p.Error != "" || !w.ticked() {
			t.Errorf("still from %+v", p)
		}
	})
}

// The log says what changes, not each look.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{err: errors.New("dry")}
		drill(t, w)
		for _, next := range []struct {
			value int
			err   error
		}{
			{none, errors.New("dry")},
			{none, errors.New("frozen")},
			{1, nil},
			{1, nil},
			{none, errors.New("dry")},
			{2, errors.New("murky")},
			{2, nil},
		} {
			w.give(next.value, next.err)
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		want := `level=WARN msg="the well cannot be used: water is not known yet" error="well: dry"
level=WARN msg="the well cannot be used: water is not known yet" error="well: frozen"
level=INFO msg="the well can be used again"
level=INFO msg="water changed" value=1
level=WARN msg="the well cannot be used: what it said last stays in force" error="well: dry"
level=WARN msg="the well can be used in part only: what it said last stays in force for the rest" error="well: murky"
level=INFO msg="water changed" value=2
level=INFO msg="the well can be used again"
`
		if got := w.log.String(); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

// A look that is cut short by the end of the daemon is no failure.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looking := make(chan struct{})
		p := source.NewPoller(source.Options[int]{
			Name: "well", Interval: time.Minute, FirstRetry: time.Second,
			Look: func(ctx context.Context) (*int, error) {
				close(looking)
				<-ctx.Done()
				return nil, ctx.Err()
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			p.Run(ctx)
		}()
		<-looking
		cancel()
		<-ended
		if value, provenance := p.Latest(); value != nil || strings.Contains(provenance.Error, "cancel") {
			t.Errorf("%v from %+v", value, provenance)
		}
	})
}

func TestSignal(t *testing.T) {
	t.Parallel()
	ticks := make(chan struct{}, 1)
	source.Signal(ticks)
	source.Signal(ticks) // does not wait
	<-ticks
	select {
	case <-ticks:
		t.Error("two ticks")
	default:
	}
}

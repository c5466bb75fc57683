package source_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snatd/snatd/host/source"
)

// well is a source whose answers tests set. The time in these tests is that of
// synctest: nothing really waits.
type well struct {
	*source.Poller[int]
	took time.Duration
	log  bytes.Buffer

	mu    sync.Mutex
	value int
	err   error
	looks []time.Duration // since the start
}

// give is what looks find from now on.
func (w *well) give(value int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value, w.err = value, err
}

// look is what the looks of this well find, and when there were any.
func (w *well) look(since time.Time) (*int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks = append(w.looks, time.Since(since))
	value := w.value
	return &value, w.err
}

// seen is when there were looks.
func (w *well) seen() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.looks)
}

// drill follows a well until the test ends, and waits for its first look.
func drill(t *testing.T, w *well) {
	t.Helper()
	started := time.Now()
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	w.Poller = source.NewPoller(source.Options[int]{
		Name: "well", Title: "the well", Subject: "water",
		Interval: time.Minute, FirstRetry: time.Second,
		Look: func(ctx context.Context) (*int, error) {
			value, err := w.look(started)
			select {
			case <-ctx.Done():
			case <-time.After(w.took):
			}
			return value, err
		},
		Equal:      func(a, b *int) bool { return b != nil && *a == *b },
		Attributes: func(value *int) []any { return []any{"value", *value} },
		Log:        slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{ReplaceAttr: noTime})),
	})
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go w.Run(ctx)
	time.Sleep(w.took)
	synctest.Wait()
}

// ticked takes a tick of a change, and tells whether there was one.
func (w *well) ticked() bool {
	select {
	case <-w.Changed():
		return true
	default:
		return false
	}
}

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
		w.give(2, errors.New("dry"))
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

// The log says what changes, not each look.
func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &well{err: errors.New("dry")}
		drill(t, w)
		for _, err := range []error{errors.New("dry"), errors.New("frozen"), nil, nil} {
			w.give(1, err)
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		}
		want := `level=WARN msg="the well cannot be used: what it said last stays in force" error="well: dry" known=false
level=WARN msg="the well cannot be used: what it said last stays in force" error="well: frozen" known=false
level=INFO msg="the well can be used again"
level=INFO msg="water changed" value=1
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

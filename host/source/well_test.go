package source_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
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

// none is no value at all, beside an error.
const none = 0

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
	if w.err != nil && value == none {
		return nil, w.err
	}
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

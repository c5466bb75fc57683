package kubernetes

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

const (
	// listTimeout bounds a list; a watch ends by itself, and by the pings of HTTP/2
	// if the server is gone without a word.
	listTimeout = 30 * time.Second
	// shortestLook is the least time between two lists, and between two watches, of
	// a server that ends watches early.
	shortestLook = time.Second
)

// listener is told how watches fare.
type listener interface {
	opened() // a watch brings changes from now on
	held()   // it has lived for longer than one that is cut at once
}

// watches are those of one resource, one after another. A reflector begins a new
// one at once when one ends, and says nothing if the server ends each: that is an
// error here.
type watches struct {
	from lister
	listener

	mu   sync.Mutex
	last *stream // of this round of the reflector; nil if it was judged
	// renewed says that the server could not go on from the last revision, and no
	// watch has held since.
	renewed bool
}

// listWatch is the lister as client-go takes it.
func (w *watches) listWatch() *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			ctx, cancel := context.WithTimeout(ctx, listTimeout)
			defer cancel()
			list, err := w.from.list(ctx, options)
			if err != nil {
				return nil, final(err)
			}
			return list, nil
		},
		WatchFuncWithContext: w.watch,
	}
}

// watch begins a watch, unless the one before it has ended at once.
func (w *watches) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	lists := options.SendInitialEvents != nil && *options.SendInitialEvents
	if err := w.again(ctx, lists); err != nil {
		return nil, err
	}
	ctx, noted := noting(ctx)
	watcher, err := w.from.watch(ctx, options)
	if err == nil && noted.err != nil {
		watcher.Stop()
		err = noted.err
	}
	if err != nil {
		return nil, w.refused(err)
	}
	s := newStream(watcher, lists, w)
	w.mu.Lock()
	w.last = s
	w.mu.Unlock()
	return s, nil
}

// again judges the watch before, and waits until another may begin.
func (w *watches) again(ctx context.Context, lists bool) error {
	w.mu.Lock()
	last := w.last
	w.mu.Unlock()
	if last == nil {
		return nil
	}
	// A list that did not come by a watch is asked for by itself, and a watch for
	// what is new after it.
	if !last.fared().listing || lists {
		if err := w.judge(); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(last.began.Add(shortestLook))):
		return nil
	}
}

// judge returns the error that the last watch is, which has ended; nil if there
// was none, or if it held.
func (w *watches) judge() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.last
	w.last = nil
	if last == nil {
		return nil
	}
	switch fared := last.fared(); {
	case fared.held || fared.moved && fared.err == nil:
		return nil
	case fared.err == nil:
		return &finalError{text: "the server ends watches at once", cut: true}
	case renewable(fared.err) && !w.renewed:
		w.renewed = true
		return nil
	default:
		return &finalError{text: text(fared.err), cut: true}
	}
}

// refused is the error of a watch that the server does not answer, as the
// reflector is to take it. A server that says of each revision that it cannot go
// on from there would be asked in a loop.
func (w *watches) refused(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if renewable(err) && !w.renewed {
		w.renewed = true
		return err
	}
	return &finalError{text: text(err)}
}

// held notes that a watch holds.
func (w *watches) held() {
	w.mu.Lock()
	w.renewed = false
	w.mu.Unlock()
	w.listener.held()
}

package kubernetes

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/source"
)

// feed keeps what facts need of the objects of one resource. It is the store
// behind a reflector of client-go, which lists and watches.
type feed[T any] struct {
	name      string
	watches   *watches
	reflector *cache.Reflector
	pace      *source.Pace
	// tell is called for each change, with its time, and for each new error or
	// the end of one, with none.
	tell func(arrived time.Time)
	// convert makes of an object what facts need; false if that is nothing.
	convert func(object any) (T, bool, error)
	// matters says whether a change of the object with that key is to be told.
	matters func(key string) bool

	mu         sync.Mutex
	synced     bool // everything was listed once
	values     map[string]kept[T]
	rejected   map[string]string // why, by the key of the object
	provenance facts.Provenance
	cut        bool // the provenance's error is that of a watch that was cut
}

func newFeed[T any](resource string, from lister, tell func(time.Time), convert func(any) (T, bool, error), matters func(string) bool) *feed[T] {
	f := &feed[T]{
		name: "kubernetes/" + resource, pace: source.NewPace(longestRetry, firstRetry), tell: tell, convert: convert, matters: matters,
		values: map[string]kept[T]{}, rejected: map[string]string{},
	}
	f.provenance.Source = f.name
	f.watches = &watches{from: from, listener: f}
	f.reflector = cache.NewReflectorWithOptions(f.watches.listWatch(), from.example, f, cache.ReflectorOptions{Name: f.name})
	return f
}

// Pauses between tries.
const (
	firstRetry   = time.Second
	longestRetry = 15 * time.Second
)

// run lists and watches until ctx ends, again and again. The reflector's own loop
// does not tell when it tries again.
func (f *feed[T]) run(ctx context.Context) {
	for ctx.Err() == nil {
		started := time.Now()
		err := f.reflector.ListAndWatchWithContext(ctx)
		if judged := f.watches.judge(); err == nil {
			err = judged
		}
		wait := time.Until(started.Add(shortestLook))
		if err != nil && ctx.Err() == nil {
			wait = f.fail(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// fail notes that a try failed, and returns how long to wait for the next.
func (f *feed[T]) fail(err error) (wait time.Duration) {
	f.mu.Lock()
	now := time.Now()
	wait = f.pace.After(true)
	text, cut := reason(err)
	fresh := text != f.provenance.Error
	f.provenance.Fail(now, text)
	f.provenance.Next, f.cut = now.Add(wait), cut
	f.mu.Unlock()
	if fresh {
		f.tell(time.Time{})
	}
	return wait
}

// opened notes that a watch brings changes. A list alone does not mend what
// failed: changes would still come late. Nor does a watch that may be cut again
// at once.
func (f *feed[T]) opened() {
	f.mu.Lock()
	mended := !f.cut && f.mend()
	f.provenance.Success, f.provenance.Next = time.Now(), time.Time{}
	f.mu.Unlock()
	if mended {
		f.tell(time.Time{})
	}
}

// held notes that a watch does not end at once.
func (f *feed[T]) held() {
	f.mu.Lock()
	f.pace.After(false)
	mended := f.mend()
	f.mu.Unlock()
	if mended {
		f.tell(time.Time{})
	}
}

// mend forgets the error, if there is one; f is locked.
func (f *feed[T]) mend() (mended bool) {
	mended = f.provenance.Error != ""
	f.provenance.Mend()
	f.cut = false
	return mended
}

// current is how current the values are now. While a watch brings each change, they are
// what the API server says.
func (f *feed[T]) current() facts.Provenance {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.provenance
	if p.Error == "" && !p.Success.IsZero() {
		p.Success = time.Now()
	}
	return p
}

package kubernetes

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/cache"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/source"
)

// feed keeps what facts need of the objects of one resource. It is the store
// behind a reflector of client-go, which lists and watches.
type feed[T any] struct {
	name      string
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
	values     map[string]T
	rejected   map[string]string // why, by the key of the object
	provenance facts.Provenance
}

func newFeed[T any](resource string, from lister, tell func(time.Time), convert func(any) (T, bool, error), matters func(string) bool) *feed[T] {
	f := &feed[T]{
		name: "kubernetes/" + resource, pace: source.NewPace(longestRetry, firstRetry), tell: tell, convert: convert, matters: matters,
		values: map[string]T{}, rejected: map[string]string{},
	}
	f.provenance.Source = f.name
	f.reflector = cache.NewReflectorWithOptions(from.listWatch(f.opened), from.example, f, cache.ReflectorOptions{Name: f.name})
	return f
}

// Pauses between tries.
const (
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
	// shortestLook is the least time between two lists of a server that ends
	// watches early.
	shortestLook = time.Second
)

// run lists and watches until ctx ends, again and again. The reflector's own loop
// does not tell when it tries again.
func (f *feed[T]) run(ctx context.Context) {
	for ctx.Err() == nil {
		started := time.Now()
		err := f.reflector.ListAndWatchWithContext(ctx)
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
	text := reason(err)
	fresh := text != f.provenance.Error
	f.provenance.Failure, f.provenance.Error, f.provenance.Next = now, text, now.Add(wait)
	f.mu.Unlock()
	if fresh {
		f.tell(time.Time{})
	}
	return wait
}

// opened notes that the server answers a watch. A list alone does not mend what
// failed: changes would still come late.
func (f *feed[T]) opened() {
	f.mu.Lock()
	mended := f.provenance.Error != ""
	f.pace.After(false)
	f.provenance.Success, f.provenance.Error, f.provenance.Next = time.Now(), "", time.Time{}
	f.mu.Unlock()
	if mended {
		f.tell(time.Time{})
	}
}

// take converts an object and keeps what comes of it. One that is rejected leaves
// what was known of it before; f is locked.
func (f *feed[T]) take(object any) (changed bool, err error) {
	key, err := keyOf(object)
	if err != nil {
		return false, err
	}
	value, keep, invalid := f.convert(object)
	if invalid != nil {
		why := invalid.Error()
		changed = f.rejected[key] != why
		f.rejected[key] = why
		return changed && f.matters(key), nil
	}
	_, changed = f.rejected[key]
	delete(f.rejected, key)
	before, known := f.values[key]
	switch {
	case !keep:
		delete(f.values, key)
		changed = changed || known
	case !known || !reflect.DeepEqual(before, value):
		f.values[key] = value
		changed = true
	}
	return changed && f.matters(key), nil
}

// observe lets take note of what the server said, and tells of it.
func (f *feed[T]) observe(take func() (changed bool, err error)) error {
	now := time.Now()
	f.mu.Lock()
	f.provenance.Success = now
	changed, err := take()
	f.mu.Unlock()
	if changed {
		f.tell(now)
	}
	return err
}

// Add takes an object that is new to the reflector.
func (f *feed[T]) Add(object any) error {
	return f.observe(func() (bool, error) { return f.take(object) })
}

// Update takes an object that has changed.
func (f *feed[T]) Update(object any) error { return f.Add(object) }

// Delete forgets an object.
func (f *feed[T]) Delete(object any) error {
	return f.observe(func() (bool, error) {
		key, err := keyOf(object)
		_, known := f.values[key]
		_, rejected := f.rejected[key]
		delete(f.values, key)
		delete(f.rejected, key)
		return (known || rejected) && f.matters(key), err
	})
}

// Replace takes a whole list: what is not in it is gone.
func (f *feed[T]) Replace(objects []any, _ string) error {
	return f.observe(func() (changed bool, failure error) {
		listed := map[string]bool{}
		for _, object := range objects {
			key, err := keyOf(object)
			if err != nil {
				return changed, err
			}
			listed[key] = true
			differs, err := f.take(object)
			if err != nil {
				return changed, err
			}
			changed = changed || differs
		}
		gone := func(key string) bool { return !listed[key] }
		before := len(f.values) + len(f.rejected)
		maps.DeleteFunc(f.values, func(key string, _ T) bool { return gone(key) })
		maps.DeleteFunc(f.rejected, func(key string, _ string) bool { return gone(key) })
		changed = changed || !f.synced || len(f.values)+len(f.rejected) != before
		f.synced = true
		return changed, nil
	})
}

// Bookmark says that all is as it was.
func (f *feed[T]) Bookmark(string) error {
	return f.observe(func() (bool, error) { return false, nil })
}

// Resync does nothing: whoever reads a feed reads all of it.
func (f *feed[T]) Resync() error { return nil }

// list is what is kept, by key; false until everything was listed once.
func (f *feed[T]) list() ([]T, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]T, 0, len(f.values))
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		list = append(list, f.values[key])
	}
	return list, f.synced
}

// any says whether there is a value like that.
func (f *feed[T]) any(like func(T) bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, value := range f.values {
		if like(value) {
			return true
		}
	}
	return false
}

// problems are the objects that are rejected.
func (f *feed[T]) problems() (list []Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, why := range f.rejected {
		list = append(list, Problem{f.name, key + ": " + why})
	}
	slices.SortFunc(list, func(a, b Problem) int { return cmp.Compare(a.Message, b.Message) })
	return list
}

func (f *feed[T]) current() facts.Provenance {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.provenance
}

func keyOf(object any) (string, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", err
	}
	if ns := accessor.GetNamespace(); ns != "" {
		return ns + "/" + accessor.GetName(), nil
	}
	return accessor.GetName(), nil
}

package kubernetes

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
)

// kept is what facts need of an object. Another object may get the name of one
// that is gone, as pods of a stateful set do.
type kept[T any] struct {
	value T
	uid   types.UID
}

// take converts an object and keeps what comes of it. One that is rejected leaves
// what was known of it before, and nothing of another one with its name; f is
// locked.
func (f *feed[T]) take(object any) (key string, changed bool, err error) {
	key, uid, err := identify(object)
	if err != nil {
		return "", false, err
	}
	before, known := f.values[key]
	value, keep, invalid := f.convert(object)
	if invalid != nil {
		why := invalid.Error()
		changed = f.rejected[key] != why
		f.rejected[key] = why
		if known && before.uid != uid {
			delete(f.values, key)
			changed = true
		}
		return key, changed, nil
	}
	_, changed = f.rejected[key]
	delete(f.rejected, key)
	if !keep {
		delete(f.values, key)
		return key, changed || known, nil
	}
	if !known || !reflect.DeepEqual(before.value, value) {
		changed = true
	}
	f.values[key] = kept[T]{value, uid}
	return key, changed, nil
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
	return f.observe(func() (bool, error) {
		key, changed, err := f.take(object)
		return changed && f.matters(key), err
	})
}

// Update takes an object that has changed.
func (f *feed[T]) Update(object any) error { return f.Add(object) }

// Delete forgets an object.
func (f *feed[T]) Delete(object any) error {
	return f.observe(func() (bool, error) {
		key, _, err := identify(object)
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
		// Nobody knows anything yet, so that everything matters.
		changed = !f.synced
		listed := map[string]bool{}
		for _, object := range objects {
			key, differs, err := f.take(object)
			if err != nil {
				return changed, err
			}
			listed[key] = true
			changed = changed || differs && f.matters(key)
		}
		for _, key := range slices.Concat(slices.Collect(maps.Keys(f.values)), slices.Collect(maps.Keys(f.rejected))) {
			if !listed[key] {
				changed = changed || f.matters(key)
				delete(f.values, key)
				delete(f.rejected, key)
			}
		}
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

// listed says whether everything was listed once.
func (f *feed[T]) listed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced
}

// list is what is kept, by key; false until everything was listed once.
func (f *feed[T]) list() ([]T, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]T, 0, len(f.values))
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		list = append(list, f.values[key].value)
	}
	return list, f.synced
}

// get is what is kept of one object; false if that is nothing.
func (f *feed[T]) get(key string) (T, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, known := f.values[key]
	return found.value, known
}

// any says whether there is a value like that.
func (f *feed[T]) any(like func(T) bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, kept := range f.values {
		if like(kept.value) {
			return true
		}
	}
	return false
}

// problems are the objects that are rejected, of those whose key is meant.
func (f *feed[T]) problems(meant func(key string) bool) (list []Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, why := range f.rejected {
		if meant(key) {
			list = append(list, Problem{f.name, key + ": " + why})
		}
	}
	slices.SortFunc(list, func(a, b Problem) int { return cmp.Compare(a.Message, b.Message) })
	return list
}

// identify returns the key that an object has here, and its UID.
func identify(object any) (string, types.UID, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", "", err
	}
	key := accessor.GetName()
	if ns := accessor.GetNamespace(); ns != "" {
		key = ns + "/" + key
	}
	return key, accessor.GetUID(), nil
}

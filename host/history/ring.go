package history

import (
	"fmt"
	"slices"
	"sync"
)

// How much is kept: so many changes, and at least the last one, as long as their facts take
// no more than this of memory, were nothing of them shared.
const (
	mostEntries = 32
	mostBytes   = 32 << 20
)

// Ring is the last changes. It may be used by several at once.
type Ring struct {
	mu      sync.Mutex
	changes []*kept // the oldest first
	last    uint64
	disk    *disk // nil if nothing is kept on it
}

// kept is a change that can be asked for.
type kept struct {
	Change
	size int
	dir  string // where it is on disk; empty if it is not
}

// Add keeps a change, and forgets the oldest if there are too many.
func (r *Ring) Add(c Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := &kept{Change: c}
	if n := len(r.changes); n > 0 {
		k.Snapshot = c.Snapshot.Lean(r.changes[n-1].Snapshot)
	} else {
		k.Snapshot = c.Snapshot.Lean(nil)
	}
	k.size = k.Snapshot.Size()
	r.last++
	k.Number = r.last
	r.changes = append(r.changes, k)
	r.forget()
	if r.disk != nil {
		r.disk.signal()
	}
}

// forget drops what is too much.
func (r *Ring) forget() {
	bytes := 0
	for i := len(r.changes) - 1; i >= 0; i-- {
		bytes += r.changes[i].size
		if n := len(r.changes) - i; n > mostEntries || n > 1 && bytes > mostBytes {
			r.changes = slices.Delete(r.changes, 0, i+1)
			return
		}
	}
}

// Newest are so many entries at most, the last first. Their facts have no digest yet.
func (r *Ring) Newest(most int) (list []Entry) {
	all := r.all()
	for i := len(all) - 1; i >= 0 && len(list) < most; i-- {
		list = append(list, all[i].Entry)
	}
	return list
}

// Entries are those that are kept, the oldest first.
func (r *Ring) Entries() ([]Entry, error) {
	list := []Entry{}
	for _, k := range r.all() {
		entry, err := k.entry()
		if err != nil {
			return nil, err
		}
		list = append(list, entry)
	}
	return list, nil
}

func (r *Ring) all() []*kept {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.changes)
}

// find returns a change by its number.
func (r *Ring) find(number uint64) (*kept, error) {
	all := r.all()
	for _, k := range all {
		if k.Number == number {
			return k, nil
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("change %d: nothing is kept yet", number)
	}
	return nil, fmt.Errorf("change %d: it is not kept, accepted: %d to %d", number, all[0].Number, all[len(all)-1].Number)
}

// entry is what is told of the change. Only who asks pays for the digest of the facts.
func (k *kept) entry() (Entry, error) {
	entry := k.Entry
	if k.Snapshot == nil { // of an earlier run: the disk has it
		return entry, nil
	}
	var err error
	entry.Facts, err = k.Snapshot.Digest()
	return entry, err
}

// Facts are those of a change, in the format of the static facts file.
func (r *Ring) Facts(number uint64) ([]byte, error) {
	k, err := r.find(number)
	if err != nil {
		return nil, err
	}
	return k.read(factsFile)
}

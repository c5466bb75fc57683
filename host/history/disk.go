package history

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// disk is the directory where changes are kept: one directory each, by its number, that
// Extract might have made.
type disk struct {
	dir   string
	ticks chan struct{}
	err   error // why the last writing failed
	// ours are the changes that are there, by number: whatever else is there stays.
	ours map[uint64]bool
}

// saveAgain is when writing that failed is tried again, at the latest.
const saveAgain = 30 * time.Second

func (d *disk) signal() {
	select {
	case d.ticks <- struct{}{}:
	default:
	}
}

// Open returns the changes that are kept in a directory, which Run keeps them in from now
// on; in memory only if it is empty. What cannot be read there is left out, and is in the
// error.
func Open(dir string) (*Ring, error) {
	r := &Ring{}
	if dir == "" {
		return r, nil
	}
	r.disk = &disk{dir: dir, ticks: make(chan struct{}, 1), ours: map[uint64]bool{}}
	numbers, err := r.disk.numbers()
	for _, number := range numbers {
		k := &kept{dir: r.disk.of(number)}
		text, unread := k.read(entryFile)
		if unread == nil {
			unread = json.Unmarshal(text, &k.Entry)
		}
		if r.last = number; unread != nil {
			err = errors.Join(err, fmt.Errorf("change %d: %w", number, unread))
			continue
		}
		k.Number = number
		r.disk.ours[number] = true
		r.changes = append(r.changes, k)
	}
	r.forget()
	return r, err
}

// Run writes what is added until ctx ends, and then what is left. Nobody waits for it.
func (r *Ring) Run(ctx context.Context) {
	if r.disk == nil {
		return
	}
	var again <-chan time.Time
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-r.disk.ticks:
		case <-again:
		}
		err := r.save()
		if again = nil; err != nil {
			again = time.After(saveAgain)
		}
		r.mu.Lock()
		r.disk.err = err
		r.mu.Unlock()
	}
}

// Err is why changes are not kept on disk; nil if they are.
func (r *Ring) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.disk == nil {
		return nil
	}
	return r.disk.err
}

// save writes what is not on disk yet, and removes what is not kept any more.
func (r *Ring) save() (err error) {
	all := r.all()
	for i, k := range all {
		if k.dir != "" {
			continue
		}
		failed := r.disk.write(k, all[:i])
		if failed == nil {
			r.mu.Lock()
			on := *k // who has the other reads from memory on
			on.dir = r.disk.of(k.Number)
			r.disk.ours[k.Number] = true
			if at := slices.Index(r.changes, k); at >= 0 {
				r.changes[at] = &on
			}
			r.mu.Unlock()
			all[i] = &on
		}
		err = cmp.Or(err, failed)
	}
	for number := range r.disk.ours {
		if slices.ContainsFunc(all, func(k *kept) bool { return k.Number == number }) {
			continue
		}
		if failed := os.RemoveAll(r.disk.of(number)); failed != nil {
			err = cmp.Or(err, failed)
			continue
		}
		delete(r.disk.ours, number)
	}
	return err
}

// write writes a change whole or not at all. Modules that earlier ones have are the same
// files.
func (d *disk) write(k *kept, earlier []*kept) error {
	dir := d.of(k.Number)
	temporary := dir + ".new"
	if err := os.RemoveAll(temporary); err != nil {
		return err
	}
	for _, name := range k.names() {
		if d.link(k, earlier, name, filepath.Join(temporary, name)) {
			continue
		}
		text, err := k.read(name)
		if err == nil {
			err = write(filepath.Join(temporary, name), text)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("change %d: %w", k.Number, err), os.RemoveAll(temporary))
		}
	}
	return os.Rename(temporary, dir)
}

// link makes a module the file of an earlier change that has it.
func (d *disk) link(k *kept, earlier []*kept, name, to string) bool {
	i := slices.IndexFunc(k.Modules, func(m Module) bool { return filepath.Join(policies, m.Name) == name })
	if i < 0 || os.MkdirAll(filepath.Dir(to), 0o700) != nil {
		return false
	}
	for _, e := range earlier {
		if e.dir != "" && slices.Contains(e.Modules, k.Modules[i]) && os.Link(filepath.Join(e.dir, name), to) == nil {
			return true
		}
	}
	return false
}

func (d *disk) of(number uint64) string { return filepath.Join(d.dir, strconv.FormatUint(number, 10)) }

// numbers are those of the changes that are there, ascending.
func (d *disk) numbers() (list []uint64, err error) {
	entries, err := os.ReadDir(d.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if number, err := strconv.ParseUint(e.Name(), 10, 32); err == nil && e.IsDir() {
			list = append(list, number)
		}
	}
	slices.Sort(list)
	return list, err
}

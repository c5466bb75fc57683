package watch_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/snatd/snatd/host/watch"
)

// deadline is how long a tick may take on a busy machine.
const deadline = time.Minute

// TestFiles changes files in the ways that people and programs do, and reads
// them after each tick until the content is there.
func TestFiles(t *testing.T) {
	tests := []struct {
		name   string
		before func(t *testing.T, dir string) // before watching starts
		path   string                         // what is watched, inside dir
		read   string                         // the file whose content must change to "new", if not path
		change func(t *testing.T, dir string)
	}{
		{
			name:   "written in place",
			before: func(t *testing.T, dir string) { put(t, dir, "f", "old") },
			path:   "f",
			change: func(t *testing.T, dir string) { put(t, dir, "f", "new") },
		},
		{
			name:   "renamed over",
			before: func(t *testing.T, dir string) { put(t, dir, "f", "old") },
			path:   "f",
			change: func(t *testing.T, dir string) { put(t, dir, "f.tmp", "new"); rename(t, dir, "f.tmp", "f") },
		},
		{
			name:   "kept as a backup and written anew",
			before: func(t *testing.T, dir string) { put(t, dir, "f", "old") },
			path:   "f",
			change: func(t *testing.T, dir string) { rename(t, dir, "f", "f~"); put(t, dir, "f", "new") },
		},
		{
			name:   "deleted and written anew",
			before: func(t *testing.T, dir string) { put(t, dir, "f", "old") },
			path:   "f",
			change: func(t *testing.T, dir string) { remove(t, dir, "f"); put(t, dir, "f", "new") },
		},
		{
			name:   "not there at first",
			before: func(*testing.T, string) {},
			path:   "f",
			change: func(t *testing.T, dir string) { put(t, dir, "f", "new") },
		},
		{
			name:   "directories not there at first",
			before: func(*testing.T, string) {},
			path:   "a/b/f",
			change: func(t *testing.T, dir string) { mkdir(t, dir, "a/b"); put(t, dir, "a/b/f", "new") },
		},
		{
			name:   "directory renamed into place",
			before: func(t *testing.T, dir string) { mkdir(t, dir, "x/b"); put(t, dir, "x/b/f", "new") },
			path:   "a/b/f",
			change: func(t *testing.T, dir string) { rename(t, dir, "x", "a") },
		},
		{
			name: "directory exchanged",
			before: func(t *testing.T, dir string) {
				mkdir(t, dir, "a")
				mkdir(t, dir, "x")
				put(t, dir, "a/f", "old")
				put(t, dir, "x/f", "new")
			},
			path:   "a/f",
			change: func(t *testing.T, dir string) { rename(t, dir, "a", "y"); rename(t, dir, "x", "a") },
		},
		{
			name:   "directory deleted and made anew",
			before: func(t *testing.T, dir string) { mkdir(t, dir, "a"); put(t, dir, "a/f", "old") },
			path:   "a/f",
			change: func(t *testing.T, dir string) { remove(t, dir, "a"); mkdir(t, dir, "a"); put(t, dir, "a/f", "new") },
		},
		{
			name: "mounted ConfigMap",
			before: func(t *testing.T, dir string) {
				mkdir(t, dir, "..1")
				put(t, dir, "..1/f", "old")
				link(t, dir, "..1", "..data")
				link(t, dir, "..data/f", "f")
			},
			path: "f",
			change: func(t *testing.T, dir string) {
				mkdir(t, dir, "..2")
				put(t, dir, "..2/f", "new")
				link(t, dir, "..2", "..data_tmp")
				rename(t, dir, "..data_tmp", "..data")
				remove(t, dir, "..1")
			},
		},
		{
			name: "link to a file elsewhere",
			before: func(t *testing.T, dir string) {
				mkdir(t, dir, "elsewhere")
				put(t, dir, "elsewhere/g", "old")
				link(t, dir, filepath.Join(dir, "elsewhere/g"), "f")
			},
			path:   "f",
			change: func(t *testing.T, dir string) { put(t, dir, "elsewhere/g", "new") },
		},
		{
			name:   "link to nothing at first",
			before: func(t *testing.T, dir string) { mkdir(t, dir, "a"); link(t, dir, "../elsewhere/g", "a/f") },
			path:   "a/f",
			change: func(t *testing.T, dir string) { mkdir(t, dir, "elsewhere"); put(t, dir, "elsewhere/g", "new") },
		},
		{
			name:   "file in a directory",
			before: func(t *testing.T, dir string) { mkdir(t, dir, "d"); put(t, dir, "d/f", "old") },
			path:   "d",
			read:   "d/f",
			change: func(t *testing.T, dir string) { put(t, dir, "d/f", "new") },
		},
		{
			name:   "new file in a directory",
			before: func(t *testing.T, dir string) { mkdir(t, dir, "d") },
			path:   "d",
			read:   "d/f",
			change: func(t *testing.T, dir string) { put(t, dir, "d/f", "new") },
		},
		{
			name:   "directory that is not there at first",
			before: func(*testing.T, string) {},
			path:   "d",
			read:   "d/f",
			change: func(t *testing.T, dir string) { mkdir(t, dir, "d"); put(t, dir, "d/f", "new") },
		},
		{
			name: "link in a directory",
			before: func(t *testing.T, dir string) {
				mkdir(t, dir, "d")
				mkdir(t, dir, "elsewhere")
				put(t, dir, "elsewhere/g", "old")
				link(t, dir, "../elsewhere/g", "d/f")
			},
			path:   "d",
			read:   "d/f",
			change: func(t *testing.T, dir string) { put(t, dir, "elsewhere/g", "new") },
		},
		{
			name:   "readable again",
			before: func(t *testing.T, dir string) { put(t, dir, "f", "new"); chmod(t, dir, "f", 0) },
			path:   "f",
			change: func(t *testing.T, dir string) { chmod(t, dir, "f", 0o600) },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.before(t, dir)
			read := test.read
			if read == "" {
				read = test.path
			}
			ticks := start(t, filepath.Join(dir, test.path))
			// Twice: watches must follow what the first change moved.
			for range 2 {
				test.change(t, dir)
				wait(t, ticks, filepath.Join(dir, read), "new")
				put(t, dir, read, "again")
				wait(t, ticks, filepath.Join(dir, read), "again")
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				mkdir(t, dir, "")
				test.before(t, dir)
				if content, err := os.ReadFile(filepath.Join(dir, read)); err == nil && string(content) == "old" {
					wait(t, ticks, filepath.Join(dir, read), "old")
				}
			}
		})
	}
}

func TestSeveral(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "old")
	mkdir(t, dir, "b")
	ticks := start(t, filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	put(t, dir, "b/f", "new")
	wait(t, ticks, filepath.Join(dir, "b/f"), "new")
	put(t, dir, "a", "new")
	wait(t, ticks, filepath.Join(dir, "a"), "new")
}

// TestOthers: what does not concern a path gives no tick. A change that does,
// made later, is the proof that the earlier events have been seen.
func TestOthers(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "f", "old")
	ticks := start(t, filepath.Join(dir, "f"))
	ticked := make(chan string, 1)
	go func() {
		<-ticks
		content, _ := os.ReadFile(filepath.Join(dir, "f"))
		ticked <- string(content)
	}()
	mkdir(t, dir, "other")
	for range 1000 {
		put(t, dir, "g", "x")
		put(t, dir, "other/f", "x")
	}
	put(t, dir, "f.tmp", "new")
	rename(t, dir, "f.tmp", "f")
	select {
	case content := <-ticked:
		if content != "new" {
			t.Errorf("a tick while f held %q", content)
		}
	case <-time.After(deadline):
		t.Error("no tick")
	}
}

// TestMany: one tick waits for the reader, however much has changed.
func TestMany(t *testing.T) {
	dir := t.TempDir()
	ticks := start(t, dir)
	for range 100 {
		put(t, dir, "f", "old")
		put(t, dir, "g", "old")
	}
	put(t, dir, "f", "new")
	wait(t, ticks, filepath.Join(dir, "f"), "new")
	if len(ticks) > 1 {
		t.Errorf("%d ticks wait", len(ticks))
	}
}

func TestRelative(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	ticks := start(t, "f")
	put(t, dir, "f", "new")
	wait(t, ticks, "f", "new")
}

// TestLoop: links that lead in a circle are watched like a missing file.
func TestLoop(t *testing.T) {
	dir := t.TempDir()
	link(t, dir, "g", "f")
	link(t, dir, "f", "g")
	ticks := start(t, filepath.Join(dir, "f"))
	remove(t, dir, "g")
	put(t, dir, "g", "new")
	wait(t, ticks, filepath.Join(dir, "f"), "new")
}

// TestMovedAndDeleted: a directory that is moved and deleted before the watcher
// has looked makes the watcher report an error with its lock held.
func TestMovedAndDeleted(t *testing.T) {
	dir := t.TempDir()
	ticks := start(t, filepath.Join(dir, "a/b/f"))
	for range 50 {
		mkdir(t, dir, "a/b")
		put(t, dir, "a/b/f", "x")
		rename(t, dir, "a", "c")
		remove(t, dir, "c")
	}
	mkdir(t, dir, "a/b")
	put(t, dir, "a/b/f", "new")
	wait(t, ticks, filepath.Join(dir, "a/b/f"), "new")
}

func start(t *testing.T, paths ...string) <-chan struct{} {
	t.Helper()
	ticks, err := watch.Files(t.Context(), slog.New(slog.NewTextHandler(&output{t: t}, nil)), paths...)
	if err != nil {
		t.Fatal(err)
	}
	return ticks
}

// output writes to a test's log until the test ends.
type output struct {
	t  *testing.T
	mu sync.Mutex
}

func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.t.Context().Err() == nil {
		o.t.Log(strings.TrimSpace(string(line)))
	}
	return len(line), nil
}

// wait reads the file after each tick until it holds want.
func wait(t *testing.T, ticks <-chan struct{}, file, want string) {
	t.Helper()
	late := time.After(deadline)
	for {
		select {
		case <-ticks:
			if content, err := os.ReadFile(file); err == nil && string(content) == want {
				return
			}
		case <-late:
			content, err := os.ReadFile(file)
			t.Fatalf("no tick after %s changed to %q; it holds %q, %v", file, want, content, err)
		}
	}
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}

func rename(t *testing.T, dir, from, to string) {
	t.Helper()
	must(t, os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)))
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	must(t, os.RemoveAll(filepath.Join(dir, name)))
}

func mkdir(t *testing.T, dir, name string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, name), 0o700))
}

func link(t *testing.T, dir, target, name string) {
	t.Helper()
	must(t, os.Symlink(target, filepath.Join(dir, name)))
}

func chmod(t *testing.T, dir, name string, mode os.FileMode) {
	t.Helper()
	must(t, os.Chmod(filepath.Join(dir, name), mode))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

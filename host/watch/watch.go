// Package watch tells when files may have changed. What is in them, and
// whether it really differs, is for the reader to find out.
//
// It is the only importer of github.com/fsnotify/fsnotify, which watches
// directories that exist. Here are the things around that: files that are
// replaced by renaming, as editors do; symbolic links that are swapped, as
// mounted ConfigMaps are updated; files and directories that do not exist yet.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long changes are collected before they are told: one save is
// several events. It has no part in correctness.
const settle = 20 * time.Millisecond

// Files watches paths until ctx ends. Each may be a file, or a directory, which
// stands for the files in it; either may be missing, and come and go.
//
// The channel holds at most one tick, and a tick is there once the content of
// any path may have changed: who reads the files after a tick, and once after
// Files returns, misses nothing. It is never closed.
//
// A directory on the way to a path that may not be read cannot be watched. It is
// logged, and its own replacement then goes unnoticed.
func Files(ctx context.Context, log *slog.Logger, paths ...string) (<-chan struct{}, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	w := &files{
		log:     log,
		watcher: watcher,
		ticks:   make(chan struct{}, 1),
		lost:    make(chan struct{}, 1),
		denied:  map[string]bool{},
	}
	go w.errors()
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			_ = watcher.Close()
			return nil, fmt.Errorf("watching %s: %w", path, err)
		}
		w.paths = append(w.paths, path)
	}
	if err := w.follow(); err != nil {
		_ = watcher.Close()
		return nil, err
	}
	go w.run(ctx)
	return w.ticks, nil
}

// files is one call of Files.
type files struct {
	log     *slog.Logger
	paths   []string // absolute
	watcher *fsnotify.Watcher
	ticks   chan struct{}
	lost    chan struct{}
	// route is where the paths lead now.
	route route
	// denied are the directories that were logged because they may not be read.
	denied map[string]bool
}

// errors takes the watcher's errors, each of which means that events were lost,
// so that anything may have changed. It is a goroutine of its own because the
// watcher may hold its lock until an error is taken, while follow waits for the
// lock. It ends when the watcher is closed.
func (w *files) errors() {
	for err := range w.watcher.Errors {
		w.log.Warn("watching files", "error", err)
		signal(w.lost)
	}
}

func (w *files) run(ctx context.Context) {
	defer func() { _ = w.watcher.Close() }()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-w.watcher.Events:
			if settled == nil && w.route.concerns(filepath.Clean(event.Name)) {
				settled = time.After(settle)
			}
		case <-w.lost:
			if settled == nil {
				settled = time.After(settle)
			}
		case <-settled:
			settled = nil
			// Before the tick: what changes after the reader has looked is then
			// seen by the watches in their new places.
			if err := w.follow(); err != nil {
				w.log.Error("some changes of files may go unnoticed", "error", err)
			}
			signal(w.ticks)
		}
	}
}

// follow watches along the paths as they lead now. Watches belong to what a
// directory was when they were added, so all are made anew.
func (w *files) follow() error {
	for _, dir := range w.watcher.WatchList() {
		// It fails for a directory that has gone meanwhile, with its watch.
		_ = w.watcher.Remove(dir)
	}
	w.route = route{names: map[string]bool{}, dirs: map[string]bool{}, watch: w.add}
	for _, path := range w.paths {
		if err := w.route.follow(path); err != nil {
			return fmt.Errorf("watching %s: %w", path, err)
		}
	}
	return nil
}

// add watches a directory, if it exists and may be read.
func (w *files) add(dir string) error {
	err := w.watcher.Add(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, fs.ErrPermission):
		if !w.denied[dir] {
			w.denied[dir] = true
			w.log.Warn("a directory cannot be watched: changes of what it contains go unnoticed", "directory", dir, "error", err)
		}
		return nil
	}
	return err
}

// signal leaves one signal in a channel of capacity 1.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default: // there is one that nobody has taken yet
	}
}

package engine

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
)

// record keeps the facts in force on disk, so that a restart begins with what was
// known and not with what can be reached just then.
type record struct {
	written *facts.Snapshot // what the file holds
	due     time.Time       // not before that it is written again
	failed  error           // why it could not be written last
}

// recordPause bounds how often the record is written: pods come and go all the
// time, and what is lost by a crash is what the API server tells first.
const recordPause = 5 * time.Second

// recorded is what a record holds, maybe that of another version; nil if there is none, or
// none that this one can decide from.
func recorded(cfg config.Config, log *slog.Logger) *facts.Document {
	path := cfg.Facts.Record
	if path == "" {
		return nil
	}
	document, unknown, err := facts.LoadRecorded(path, cfg.Network.IPFamily)
	if err != nil {
		log.Warn("the facts of the run before are lost: its rules stay until every source has answered", "error", err)
		return nil
	}
	if len(unknown) > 0 {
		log.Warn("the recorded facts are of another version: what this one does not know is left out", "file", path, "keys", strings.Join(unknown, ", "))
	}
	return document
}

// save writes a snapshot, if it is another one and it is time to. The error is that
// of the last time, until it is mended.
func (r *record) save(path string, snapshot *facts.Snapshot) error {
	switch {
	case path == "" || snapshot == r.written:
		r.failed = nil
	case !time.Now().Before(r.due):
		r.due = time.Now().Add(recordPause)
		r.failed = r.write(path, snapshot)
	}
	return r.failed
}

func (r *record) write(path string, snapshot *facts.Snapshot) error {
	text, err := snapshot.Encode()
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if len(text) > facts.Limit {
		return fmt.Errorf("%s: %d bytes, at most %d can be read again", path, len(text), facts.Limit)
	}
	if err := replaceFile(path, text); err != nil {
		return err
	}
	r.written = snapshot
	return nil
}

// replaceFile writes a file whole or not at all, with its directory.
func replaceFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// next is when a snapshot is to be written that could not be yet; zero if it was.
func (r *record) next(path string, snapshot *facts.Snapshot) time.Time {
	if path == "" || snapshot == r.written {
		return time.Time{}
	}
	return r.due
}

package dropin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Directory is a directory of modules. It remembers what it read, so that
// reading it again costs little where nothing changed: modules have megabytes.
// One goroutine uses it at a time.
type Directory struct {
	path  string
	known map[string]memory // by file name
	now   func() time.Time
}

// memory is a file that was read.
type memory struct {
	stamps  stamps
	at      time.Time // before it was read
	since   time.Time // when it was seen with these stamps first
	changed bool      // that was after a change
	file    File
}

// NewDirectory returns the Directory of a path, which need not exist.
func NewDirectory(path string) *Directory {
	return &Directory{path: path, now: time.Now}
}

// pattern is what module files are called; the first group is what they share
// with their sidecars.
var pattern = regexp.MustCompile(`^([0-9]{2}-[a-z0-9-]+)\.wasm(\.gz)?$`)

// Stem is what a module's file shares with those beside it: the NN-name of NN-name.wasm
// or NN-name.wasm.gz; empty if that is not what the file is called.
func Stem(file string) string {
	if match := pattern.FindStringSubmatch(file); match != nil {
		return match[1]
	}
	return ""
}

// Read returns the modules of the directory in order of precedence. Every file
// that looks like a module is there, if only with an Err; hidden and other files
// are not. A directory that does not exist is empty. The error is about the
// directory itself.
func (d *Directory) Read() ([]File, error) {
	entries, err := os.ReadDir(d.path) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var files []File
	known := map[string]memory{}
	taken := map[string]string{} // file by the name without extension
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".wasm") && !strings.HasSuffix(name, ".wasm.gz") {
			continue
		}
		file := File{Name: name}
		match := pattern.FindStringSubmatch(name)
		switch {
		case match == nil:
			file.Err = errors.New("the file name gives no precedence; accepted: NN-name.wasm or NN-name.wasm.gz, " +
				"two digits, then lower-case letters, digits and dashes")
		case taken[match[1]] != "":
			file.Err = fmt.Errorf("%s is the same module; accepted: one of the two files", taken[match[1]])
		default:
			taken[match[1]] = name
			var m memory
			if m, file.Err = d.read(name, match[1]); file.Err == nil {
				file, known[name] = m.file, m
			}
		}
		files = append(files, file)
	}
	d.known = known
	return files, nil
}

// read returns a file with its sidecar, from memory if both are unchanged. The
// error is that the files cannot be read; what is wrong with their content is
// remembered as well.
func (d *Directory) read(name, sidecar string) (memory, error) {
	path := filepath.Join(d.path, name)
	sidecar = filepath.Join(d.path, sidecar+".yaml")
	m := memory{at: d.now(), file: File{Name: name, path: path}}
	var err error
	if m.stamps.module, err = stampOf(path); err != nil {
		return memory{}, err
	}
	if m.stamps.sidecar, err = stampOf(sidecar); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return memory{}, err
	}
	if m.stamps.signature, err = stampOf(SignaturePath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return memory{}, err
	}
	old, seen := d.known[name]
	if same := seen && old.stamps == m.stamps; same {
		m.since, m.changed = old.since, old.changed
	} else {
		m.since, m.changed = m.at, seen || !m.stamps.settled(m.at)
	}
	writing := m.writing()
	if seen && old.stamps == m.stamps && m.stamps.settled(old.at) {
		old.file.Writing = writing
		return old, nil
	}
	exists := m.stamps.sidecar != stamp{}
	err = m.file.read(sidecar, exists)
	if err == nil && exists && m.stamps.sidecar.size == 0 && !writing.IsZero() {
		// Taking it for a sidecar that says nothing would withdraw all grants.
		err = fmt.Errorf("%s: empty", sidecar)
	}
	if err != nil {
		if unreadable := (*fs.PathError)(nil); errors.As(err, &unreadable) {
			return memory{}, err
		}
		m.file = File{Name: name, SHA256: m.file.SHA256, Err: err}
	}
	m.file.Writing = writing
	return m, nil
}

// writing is until when the file may be in the middle of being written; zero if
// it may not. Who writes it in pieces does not pause for as long.
func (m memory) writing() time.Time {
	if until := m.since.Add(tick); m.changed && m.at.Before(until) {
		return until
	}
	return time.Time{}
}

package dropin

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// later is a Directory whose clock is so far ahead.
func later(dir string, ahead time.Duration) *Directory {
	d := NewDirectory(dir)
	d.now = func() time.Time { return time.Now().Add(ahead) }
	return d
}

// readOne reads the only module of a directory.
func readOne(t *testing.T, d *Directory) File {
	t.Helper()
	files, err := d.Read()
	if err != nil || len(files) != 1 {
		t.Fatalf("read %v, %v; want one module", files, err)
	}
	return files[0]
}

// same tells whether two files came of one reading: they share the map.
func same(a, b File) bool {
	return reflect.ValueOf(a.Sidecar.Config).Pointer() == reflect.ValueOf(b.Sidecar.Config).Pointer()
}

func TestDirectoryRemembers(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"10-a.wasm": wasm, "10-a.yaml": "config: {a: one}"})
	d := later(dir, time.Minute)
	first := readOne(t, d)
	if second := readOne(t, d); !same(first, second) || second.Identity() != first.Identity() {
		t.Error("what did not change was read again")
	}
	replace := func(name, text string) {
		t.Helper()
		write(t, dir, map[string]string{"new": text})
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		name   string
		change func()
		want   string // of config a; empty: an error
	}{
		{"sidecar replaced, with the same size", func() { replace("10-a.yaml", "config: {a: two}") }, "two"},
		{"sidecar written", func() { write(t, dir, map[string]string{"10-a.yaml": "config: {a: three}"}) }, "three"},
		{"module replaced, with the same size", func() { replace("10-a.wasm", wasm[:7]+"\x01") }, "three"},
		{"sidecar that is wrong", func() { replace("10-a.yaml", "x: y") }, ""},
		{"sidecar that is right again", func() { replace("10-a.yaml", "config: {a: four}") }, "four"},
	}
	before := first
	for _, step := range steps {
		step.change()
		after := readOne(t, d)
		if after.Identity() == before.Identity() || after.Sidecar.Config["a"] != step.want || (after.Err == nil) != (step.want != "") {
			t.Errorf("%s: read %+v", step.name, after)
		}
		if again := readOne(t, d); !same(after, again) || !errors.Is(again.Err, after.Err) {
			t.Errorf("%s: read again without a change", step.name)
		}
		before = after
	}
	for _, name := range []string{"10-a.yaml", "10-a.wasm"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if files, err := d.Read(); err != nil || name == "10-a.yaml" && (len(files) != 1 || files[0].Sidecar.Config != nil) ||
			name == "10-a.wasm" && len(files) != 0 {
			t.Errorf("%s removed: read %+v, %v", name, files, err)
		}
	}
	if len(d.known) != 0 {
		t.Errorf("%d files are remembered of an empty directory", len(d.known))
	}
}

// TestDirectoryDoubts: a file that was changed when it was read may change again
// without a trace, so it is read again until its times are past.
func TestDirectoryDoubts(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"10-a.wasm", "10-a.yaml"} {
		write(t, dir, map[string]string{"10-a.wasm": wasm, "10-a.yaml": "config: {a: one}"})
		// A copy with its old modification time, as cp -p and tar make them.
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
		d := NewDirectory(dir)
		if first := readOne(t, d); same(first, readOne(t, d)) {
			t.Error("a file that has just changed was not read again")
		}
		d.now = func() time.Time { return time.Now().Add(time.Minute) }
		if second := readOne(t, d); !same(second, readOne(t, d)) {
			t.Error("a file that changed long ago was read again")
		}
	}
}

// TestDirectoryRetries: what cannot be read is tried again although it has not
// changed.
func TestDirectoryRetries(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "10-a.wasm"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := later(dir, time.Minute)
	if f := readOne(t, d); f.Err == nil || !strings.Contains(f.Err.Error(), "not a regular file") {
		t.Errorf("error is %v", f.Err)
	}
	if len(d.known) != 0 {
		t.Error("a failure to read is remembered")
	}
}

// TestOpenOfChangedFile: bytes that are not those that were read are not loaded
// under their name.
func TestOpenOfChangedFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"10-a.wasm": wasm})
	f := readOne(t, NewDirectory(dir))
	write(t, dir, map[string]string{"10-a.wasm": wasm + "\x00"})
	_, err := f.Open()
	if err == nil || !strings.Contains(err.Error(), "changed since it was read: sha256 is ") || !strings.HasSuffix(err.Error(), wasmHash) {
		t.Errorf("got %v, want that it changed", err)
	}
	if err := os.Remove(filepath.Join(dir, "10-a.wasm")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(); !os.IsNotExist(err) {
		t.Errorf("got %v, want that it does not exist", err)
	}
}

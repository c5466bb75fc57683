package dropin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clock is a Directory whose clock goes as the test says.
func clock(dir string) (d *Directory, advance func(time.Duration)) {
	d = NewDirectory(dir)
	now := time.Now()
	d.now = func() time.Time { return now }
	return d, func(by time.Duration) { now = now.Add(by) }
}

// A file that has just changed may be in the middle of being written, whatever
// is in it; one that has not for a while is not.
func TestWriting(t *testing.T) {
	dir := t.TempDir()
	d, advance := clock(dir)
	check := func(what string, writing bool) {
		t.Helper()
		file := readOne(t, d)
		if file.Writing.IsZero() == writing || writing && file.Writing.After(d.now().Add(tick)) {
			t.Errorf("%s: writing until %s, it is %s", what, file.Writing, d.now())
		}
	}
	write(t, dir, map[string]string{"10-a.wasm": wasm})
	check("new", true)
	advance(tick / 2)
	check("new, looked at again", true)
	write(t, dir, map[string]string{"10-a.wasm": wasm + "\x00"})
	check("a piece more", true)
	advance(tick / 2)
	check("a piece more, looked at again", true)
	advance(tick / 2)
	check("stable", false)
	write(t, dir, map[string]string{"10-a.yaml": "config: {a: b}"})
	check("its sidecar changed", true)
	advance(tick)
	check("all stable", false)

	// The times of a server or of an archive may be from any time.
	for _, at := range []time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} {
		write(t, dir, map[string]string{"10-a.wasm": wasm + at.String()})
		if err := os.Chtimes(filepath.Join(dir, "10-a.wasm"), at, at); err != nil {
			t.Fatal(err)
		}
		check("changed, with another time", true)
		advance(tick)
		check("stable, with another time", false)
	}
	old := later(dir, time.Minute)
	if err := os.Chtimes(filepath.Join(dir, "10-a.wasm"), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if file := readOne(t, old); !file.Writing.IsZero() {
		t.Errorf("an old file that is seen for the first time is being written until %s", file.Writing)
	}
}

// What is half written has an error as long as it is, and one that can be told
// from others.
func TestHalfWritten(t *testing.T) {
	gz := compressed(wasm)
	for name, half := range map[string]map[string]string{
		"compressed module": {"10-a.wasm.gz": gz[:len(gz)/2]},
		"sidecar":           {"10-a.wasm.gz": gz, "10-a.yaml": "config: {a: b"},
		"emptied sidecar":   {"10-a.wasm.gz": gz, "10-a.yaml": ""},
		"its hash":          {"10-a.wasm.gz": compressed(wasm[:4]), "10-a.yaml": "sha256: " + wasmHash},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d, advance := clock(dir)
			write(t, dir, half)
			first := readOne(t, d)
			if first.Err == nil || first.Writing.IsZero() {
				t.Errorf("read %+v", first)
			}
			if known := name != "compressed module"; known != (first.SHA256 != "") {
				t.Errorf("the hash is %q", first.SHA256)
			}
			advance(tick)
			if again := readOne(t, d); !again.Writing.IsZero() || (again.Err == nil) != (name == "emptied sidecar") {
				t.Errorf("when it is stable: read %+v", again)
			}
			write(t, dir, map[string]string{"10-a.wasm.gz": gz, "10-a.yaml": "config: {a: b}"})
			if whole := readOne(t, d); whole.Err != nil || whole.SHA256 != wasmHash || whole.Sidecar.Config["a"] != "b" {
				t.Errorf("when it is whole: read %+v", whole)
			}
		})
	}
}

// What cannot be read at all is not taken for half written.
func TestUnreadableIsNotWriting(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "10-a.wasm"), 0o700); err != nil {
		t.Fatal(err)
	}
	d, _ := clock(dir)
	if file := readOne(t, d); file.Err == nil || !file.Writing.IsZero() || !strings.Contains(file.Err.Error(), "not a regular file") {
		t.Errorf("read %+v", file)
	}
}

package policy

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sharedCache is one cache directory for the tests that compile the default
// module, which takes a second.
var sharedCacheDir = sync.OnceValues(func() (string, error) {
	return os.MkdirTemp("", "snatd-policy-test")
})

func sharedCache(t testing.TB) string {
	t.Helper()
	dir, err := sharedCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := sharedCacheDir(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// entriesOf returns the compiled modules in a cache, without their seals.
func entriesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for _, file := range files {
		if !strings.HasSuffix(file, sealSuffix) {
			entries = append(entries, file)
		}
	}
	return entries
}

func compilerOnly(t *testing.T) {
	t.Helper()
	if detectMode() != ModeCompiler {
		t.Fatal("the cache is the compiler's, which does not run on this machine")
	}
}

// TestCacheOfDamagedEntries damages the entry of a module in several ways; each
// time it must be compiled again, and be right.
func TestCacheOfDamagedEntries(t *testing.T) {
	compilerOnly(t)
	g := newGuest()
	wasm := g.decide(0, g.Text("10.0.0.0/8"), g.Text(""), g.exclude)
	rewrite := func(change func(data []byte) []byte) func(t *testing.T, file string) {
		return func(t *testing.T, file string) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, change(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	damages := []struct {
		name   string
		damage func(t *testing.T, file string)
	}{
		{"truncated", rewrite(func(data []byte) []byte { return data[:len(data)/2] })},
		{"empty", rewrite(func(data []byte) []byte { return nil })},
		{"one bit", rewrite(func(data []byte) []byte { data[20] ^= 1; return data })}, // an offset, which wazero does not check
		{"without seal", func(t *testing.T, file string) {
			if err := os.Remove(file + sealSuffix); err != nil {
				t.Fatal(err)
			}
		}},
		{"half a seal", func(t *testing.T, file string) {
			if err := os.Truncate(file+sealSuffix, 10); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, while := range []string{"stopped", "running"} {
		for _, tt := range damages {
			if while == "running" && tt.name != "truncated" && tt.name != "empty" {
				continue // what wazero does not notice is noticed at the next start
			}
			t.Run(while+"/"+tt.name, func(t *testing.T) {
				ctx := context.Background()
				dir := t.TempDir()
				first := testEngine(t, Options{CacheDir: dir})
				m := load(t, first, wasm, Grants{})
				entries := entriesOf(t, dir)
				if len(entries) != 1 {
					t.Fatalf("the cache has %v, want one entry", entries)
				}
				whole, err := os.ReadFile(entries[0])
				if err != nil {
					t.Fatal(err)
				}
				engine := first
				if while == "running" {
					if err := m.Close(ctx); err != nil { // so that it is read again
						t.Fatal(err)
					}
					tt.damage(t, entries[0])
				} else {
					tt.damage(t, entries[0])
					engine = testEngine(t, Options{CacheDir: dir})
					if left := entriesOf(t, dir); len(left) != 0 {
						t.Errorf("the damaged entry is still there: %v", left)
					}
				}
				if _, err := decide(load(t, engine, wasm, Grants{}), noFacts); err != nil {
					t.Error(err)
				}
				if again, err := os.ReadFile(entries[0]); err != nil || !bytes.Equal(again, whole) || !sealed(entries[0]) {
					t.Errorf("the entry was not written and sealed again: %v", err)
				}
			})
		}
	}
}

func TestCacheIsReused(t *testing.T) {
	compilerOnly(t)
	dir := filepath.Join(t.TempDir(), "new", "cache")
	wasm := newGuest().decide(0)
	load(t, testEngine(t, Options{CacheDir: dir}), wasm, Grants{})
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v, %v; want 0700", info.Mode(), err)
	}
	entry := entriesOf(t, dir)[0]
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(entry, before, before); err != nil {
		t.Fatal(err)
	}
	load(t, testEngine(t, Options{CacheDir: dir}), wasm, Grants{})
	if info, err := os.Stat(entry); err != nil || !info.ModTime().Equal(before) {
		t.Errorf("the entry was written again: %v", err)
	}
}

// What another version of wazero compiled is not read, and stays for the way back as long as
// there is room.
func TestCacheOfAnotherVersion(t *testing.T) {
	compilerOnly(t)
	dir := t.TempDir()
	wasm := newGuest().decide(0)
	load(t, testEngine(t, Options{CacheDir: dir}), wasm, Grants{})
	entry := entriesOf(t, dir)[0]
	other := filepath.Join(dir, "wazero-v0.0.1-riscv64-linux", filepath.Base(entry))
	if err := os.Rename(filepath.Dir(entry), filepath.Dir(other)); err != nil {
		t.Fatal(err)
	}
	e := testEngine(t, Options{CacheDir: dir})
	if _, err := decide(load(t, e, wasm, Grants{}), noFacts); err != nil {
		t.Error(err)
	}
	if !sealed(entry) || !sealed(other) {
		t.Errorf("the cache has %v, want one entry of each version", entriesOf(t, dir))
	}
}

// TestCacheIsPruned: the oldest entries go once all are larger than allowed.
func TestCacheIsPruned(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "wazero-x")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	c := &cache{dir: dir, limit: 100}
	names := []string{strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)}
	for i, name := range names {
		file := filepath.Join(sub, name)
		if err := os.WriteFile(file, make([]byte, 40), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Unix(int64(1000-i), 0)
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.seal(); err != nil {
		t.Fatal(err)
	}
	if err := c.verify(); err != nil {
		t.Fatal(err)
	}
	left := entriesOf(t, dir)
	want := []string{filepath.Join(sub, names[0]), filepath.Join(sub, names[1])}
	if strings.Join(left, " ") != strings.Join(want, " ") {
		t.Errorf("left are %v, want the newest two", left)
	}
}

// TestCacheThatCannotBeTrusted: a directory that others may write to is not
// used, and the engine says so and works.
func TestCacheThatCannotBeTrusted(t *testing.T) {
	compilerOnly(t)
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		open: "cache directory " + open + " has mode 0777, others may write to it; accepted: 0700",
		file: "mkdir " + file + ": not a directory",
	} {
		var log bytes.Buffer
		e := testEngine(t, Options{CacheDir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if !strings.Contains(log.String(), want) {
			t.Errorf("log is %q, want it to say %q", log.String(), want)
		}
		load(t, e, newGuest().decide(0), Grants{})
	}
	if entries := entriesOf(t, open); len(entries) != 0 {
		t.Errorf("the directory was used: %v", entries)
	}
}

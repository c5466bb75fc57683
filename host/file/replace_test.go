package file

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	check := func(want string, mode os.FileMode) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := Read(path, 100); string(data) != want || err != nil || info.Mode() != mode {
			t.Errorf("%q, %v, mode %s", data, err, info.Mode())
		}
		if entries, err := os.ReadDir(dir); len(entries) != 1 || err != nil {
			t.Errorf("left behind: %v, %v", entries, err)
		}
	}
	if err := Replace(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	check("one", 0o644)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if err := Replace(path, []byte("two")); err != nil {
		t.Fatal(err)
	}
	check("two", 0o600)
	// Who has the old file open still reads it as a whole.
	old := make([]byte, 10)
	if n, err := before.Read(old); string(old[:n]) != "one" {
		t.Errorf("%q, %v", old[:n], err)
	}
	if err := Replace(filepath.Join(dir, "none", "file"), nil); err == nil {
		t.Error("replaced in a directory that does not exist")
	}
}

// What a Replace that was killed has left is told from what others have.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	left := []string{".file.123", ".file.4"}
	kept := []string{".file.", ".file.12a", ".file.swp", ".other.123", "file", "file.123"}
	for _, name := range append(left, kept...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Sweep(filepath.Join(dir, "file")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if err != nil || !slices.Equal(names, kept) {
		t.Errorf("%q, %v, want %q", names, err, kept)
	}
	if err := Sweep(filepath.Join(dir, "none", "file")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

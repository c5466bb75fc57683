package file

import (
	"os"
	"path/filepath"
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

package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	release, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Lock(impatient, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("a directory that is locked: %v", err)
	}
	next := make(chan error)
	go func() {
		release, err := Lock(t.Context(), dir)
		if err == nil {
			release()
		}
		next <- err
	}()
	select {
	case err := <-next:
		t.Fatalf("two have the lock: %v", err)
	default:
	}
	release()
	if err := <-next; err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := Lock(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

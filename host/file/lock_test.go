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
	release, err := Lock(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Lock(impatient, dir, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a directory that is locked: %v", err)
	}
	next := make(chan error)
	waits := make(chan struct{}, 2)
	go func() {
		release, err := Lock(t.Context(), dir, func() { waits <- struct{}{} })
		if err == nil {
			release()
		}
		next <- err
	}()
	select {
	case err := <-next:
		t.Fatalf("two have the lock: %v", err)
	case <-waits:
	}
	release()
	if err := <-next; err != nil || len(waits) != 0 {
		t.Errorf("%v, told %d times more that it waits", err, len(waits))
	}
	if entries, err := os.ReadDir(dir); len(entries) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if _, err := Lock(t.Context(), filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

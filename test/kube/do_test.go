package kube

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A program cleans up as a test does, and learns what failed first.
func TestDo(t *testing.T) {
	var order []string
	var dir string
	err := Do(t.Context(), func(t T) {
		dir = t.TempDir()
		t.Cleanup(func() {
			order = append(order, "first")
			if t.Context().Err() == nil {
				t.Errorf("the context outlives the program")
			}
		})
		t.Cleanup(func() {
			t.Cleanup(func() { order = append(order, "added") })
			order = append(order, "second")
			t.Fatal("late")
		})
		t.Fatal("no ", 1)
		order = append(order, "after Fatal")
	})
	if err == nil || err.Error() != "no 1" {
		t.Errorf("failed with %v", err)
	}
	if diff := cmp.Diff([]string{"second", "added", "first"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s: %v", dir, err)
	}
	if err := Do(t.Context(), func(T) {}); err != nil {
		t.Error(err)
	}
}

package examples_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/snatd/snatd/examples"
)

// What is embedded is what was built, and nothing where nothing was.
func TestExcludeCIDRs(t *testing.T) {
	want, err := os.ReadFile("built/exclude-cidrs.wasm")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if got := examples.ExcludeCIDRs(); !bytes.Equal(got, want) || (got == nil) != (err != nil) {
		t.Errorf("got %d bytes, built/exclude-cidrs.wasm has %d", len(got), len(want))
	}
}

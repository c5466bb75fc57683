package plugins_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/snatd/snatd/plugins"
)

// What is embedded is what was built, and nothing where nothing was.
func TestDefault(t *testing.T) {
	want, err := os.ReadFile("built/default.wasm")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if got := plugins.Default(); !bytes.Equal(got, want) || (got == nil) != (err != nil) {
		t.Errorf("got %d bytes, built/default.wasm has %d", len(got), len(want))
	}
}

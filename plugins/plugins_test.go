package plugins_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/snatd/snatd/plugins"
)

// What is embedded is what was built, and nothing where nothing was.
func TestModules(t *testing.T) {
	for file, got := range map[string][]byte{
		"built/default.wasm": plugins.Default(),
		"built/routes.wasm":  plugins.Routes(),
	} {
		want, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) || (got == nil) != (err != nil) {
			t.Errorf("got %d bytes, %s has %d", len(got), file, len(want))
		}
	}
}

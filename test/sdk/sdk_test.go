package sdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestUnits runs the unit tests that each SDK has in its own language; those in Go are
// beside the code.
func TestUnits(t *testing.T) {
	for _, language := range languages[1:] {
		t.Run(language, func(t *testing.T) {
			need(t, language)
			run(t, exec.Command("make", "-C", "sdk/"+language, "test", "OUT="+t.TempDir()))
		})
	}
}

// largest is what a sample may have in bytes. Go brings its runtime.
var largest = map[string]int{"c": 2 << 10, "rust": 25 << 10, "assemblyscript": 10 << 10, "go": 3 << 20}

func TestSizes(t *testing.T) {
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			wasm := build(t, language)["sample"]
			t.Logf("%d bytes", len(wasm))
			if len(wasm) > largest[language] {
				t.Errorf("the sample has %d bytes, want at most %d", len(wasm), largest[language])
			}
		})
	}
}

// TestConformance: today's SDKs and the frozen modules do the same, on this host.
func TestConformance(t *testing.T) {
	host := filepath.Join(t.TempDir(), "host")
	run(t, exec.Command("go", "build", "-o", host, "./test/tckhost"))
	suite := func(t *testing.T, args ...string) {
		t.Helper()
		run(t, exec.Command("go", append(append([]string{"run", "./sdk/tck"}, args...), "--", host)...))
	}
	t.Run("frozen", func(t *testing.T) { suite(t) })
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			modules := t.TempDir()
			for kind, wasm := range build(t, language) {
				if err := os.WriteFile(filepath.Join(modules, language+"-"+kind+".wasm"), wasm, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			suite(t, "-modules", modules)
		})
	}
}

package sdk

import (
	"os/exec"
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
			wasm := sample(t, language)
			t.Logf("%d bytes", len(wasm))
			if len(wasm) > largest[language] {
				t.Errorf("the sample has %d bytes, want at most %d", len(wasm), largest[language])
			}
		})
	}
}

// TestConformance: today's SDKs and the frozen modules do the same, on this host.
func TestConformance(t *testing.T) {
	host, suite := program(t, "tckhost", "./test/tckhost"), program(t, "tck", "./sdk/tck")
	t.Run("frozen", func(t *testing.T) { run(t, exec.Command(suite, "--", host)) })
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			run(t, exec.Command(suite, "-modules", modules(t, language), "--", host))
		})
	}
}

package sdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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
			for _, readme := range []string{"README.md", "sdk/README.md"} {
				// Another version of a compiler may make a little more or less.
				if told := toldSize(t, readme, language); float64(len(wasm)) < told*0.9 || float64(len(wasm)) > told*1.1 {
					t.Errorf("%s says that the sample has %.0f bytes, it has %d", readme, told, len(wasm))
				}
			}
		})
	}
}

// toldSize is how many bytes the table in a README says that a language's sample has. The
// table says too how long an evaluation takes.
func toldSize(t *testing.T, readme, language string) float64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, readme))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?mi)^\| \[` + language + `\]\(\S*README\.md\).* \| ([\d.]+) ([KM])iB \| \d+ us \|$`).FindStringSubmatch(string(text))
	if row == nil {
		t.Fatalf("%s has no row of %s with its size and its time", readme, language)
	}
	size, err := strconv.ParseFloat(row[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return size * map[string]float64{"K": 1 << 10, "M": 1 << 20}[row[2]]
}

// TestVersion: the READMEs name the version of Go that go.mod asks for.
func TestVersion(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(text))
	for _, readme := range []string{"README.md", "sdk/README.md"} {
		text, err := os.ReadFile(filepath.Join(root, readme))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Go " + version[1] + " or later", "| Go " + version[1] + " |"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not say %q", readme, want)
			}
		}
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

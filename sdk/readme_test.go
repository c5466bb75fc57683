package sdk_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The Go in README.md is copied from files that are compiled and run.
func TestReadmeSnippets(t *testing.T) {
	var compiled string
	for _, name := range []string{"example_test.go", "../examples/exclude-cidrs/wasm/main.go"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		compiled += string(content)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(snippets) == 0 {
		t.Error("README.md has no snippet")
	}
	for _, snippet := range snippets {
		if !strings.Contains(compiled, string(snippet[1])) {
			t.Errorf("this snippet is in no file that is compiled:\n%s", snippet[1])
		}
	}
}

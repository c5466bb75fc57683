package test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/snatd/snatd/"

// boundary limits who may import what. Without Only, From may import nothing
// outside the standard library and this project but what May lists; with it,
// nothing but From may import what begins with Only.
type boundary struct {
	from   string   // our packages that begin with this, without the module path
	may    []string // import paths that begin with one of these, beside the standard library
	only   string
	reason string
}

var boundaries = []boundary{
	{from: "rules", may: []string{module + "rules"},
		reason: "the compiler is pure and importable by anyone: values in, values out"},
	{from: "sdk", may: []string{module + "sdk"},
		reason: "policy authors get the SDK and nothing else into their module"},
	{from: "plugins", may: []string{module + "sdk", module + "plugins"},
		reason: "shipped policies are built on the SDK like anyone's"},
	{from: "examples", may: []string{module + "sdk", module + "examples"},
		reason: "an example must work outside of this repository"},
	{from: "host/policy", only: "github.com/tetratelabs/wazero",
		reason: "one package knows the Wasm engine, so that one place answers for the sandbox"},
	{from: "host/dataplane", only: "github.com/google/nftables",
		reason: "one package talks to nf_tables, so that everything is one transaction"},
	{from: "host/watch", only: "github.com/fsnotify/fsnotify",
		reason: "one package knows the pitfalls of file notifications"},
	{from: "host/document", only: "github.com/goccy/go-yaml",
		reason: "every file is parsed equally strictly, with file, line and key in the error"},
	{from: "host/dataplane host/link host/lab host/nstest test/bench", only: "github.com/vishvananda/",
		reason: "links, addresses and routes are read in link, and changed in the dataplane and in test networks only"},
	{from: "host", only: "github.com/spf13/cobra",
		reason: "the command line is thin: what it calls works without it"},
}

func TestImports(t *testing.T) {
	for importer, imports := range listImports(t) {
		for _, imported := range imports {
			for _, b := range boundaries {
				if b.forbids(importer, imported) {
					t.Errorf("%s must not import %s: %s", importer, imported, b.reason)
				}
			}
		}
	}
}

func (b boundary) forbids(importer, imported string) bool {
	if b.only != "" {
		if !strings.HasPrefix(imported, b.only) {
			return false
		}
		for _, from := range strings.Fields(b.from) {
			if importer == module+from {
				return false
			}
		}
		return true
	}
	if importer != module+b.from && !strings.HasPrefix(importer, module+b.from+"/") {
		return false
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return false // the standard library
	}
	for _, prefix := range b.may {
		if imported == prefix || strings.HasPrefix(imported, prefix+"/") {
			return false
		}
	}
	return true
}

// listImports returns what each package imports, as built for the node and as
// built for Wasm.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	for _, environment := range [][]string{nil, {"GOOS=wasip1", "GOARCH=wasm"}} {
		list := exec.Command("go", "list", "-e", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
		list.Dir = ".."
		list.Env = append(list.Environ(), environment...)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		for line := range strings.Lines(string(out)) {
			if fields := strings.Fields(line); len(fields) > 0 {
				imports[fields[0]] = append(imports[fields[0]], fields[1:]...)
			}
		}
	}
	if len(imports) < 10 {
		t.Fatalf("only %d packages found", len(imports))
	}
	return imports
}

// A boundary that forbids nothing would pass for ever.
func TestBoundariesForbid(t *testing.T) {
	for _, c := range []struct {
		importer, imported string
		forbidden          bool
	}{
		{module + "rules", "net/netip", false},
		{module + "rules/nft", module + "rules", false},
		{module + "rules", "github.com/google/nftables", true},
		{module + "sdk", module + "rules", true},
		{module + "plugins/default", module + "sdk", false},
		{module + "plugins/default", module + "host/facts", true},
		{module + "host/engine", "github.com/tetratelabs/wazero/api", true},
		{module + "host/policy", "github.com/tetratelabs/wazero/api", false},
	} {
		forbidden := false
		for _, b := range boundaries {
			forbidden = forbidden || b.forbids(c.importer, c.imported)
		}
		if forbidden != c.forbidden {
			t.Errorf("%s importing %s: forbidden is %v, want %v", c.importer, c.imported, forbidden, c.forbidden)
		}
	}
}

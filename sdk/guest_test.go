package sdk

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/sdk/abi"
)

// The guest's side states names and signatures in directives, which cannot refer
// to package abi. This holds the two together.
func TestGuestFollowsABI(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "guest_wasip1.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var imports, exports []shape
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Doc == nil {
			continue
		}
		for _, line := range function.Doc.List {
			if name, ok := strings.CutPrefix(line.Text, "//go:wasmimport "+abi.Module+" "); ok {
				imports = append(imports, signature(t, name, function))
			}
			if name, ok := strings.CutPrefix(line.Text, "//go:wasmexport "); ok {
				exports = append(exports, signature(t, name, function))
			}
		}
	}
	if want := shapes(abi.Imports); !slices.Equal(imports, want) {
		t.Errorf("imports: got %v\nwant %v", imports, want)
	}
	// Go's linker adds the memory and _initialize.
	want := slices.DeleteFunc(shapes(abi.Exports), func(s shape) bool { return s.name == abi.Initialize })
	if !slices.Equal(exports, want) {
		t.Errorf("exports: got %v\nwant %v", exports, want)
	}
}

// shape is a function as WebAssembly sees it.
type shape struct {
	name            string
	params, results int
}

func shapes(functions []abi.Function) []shape {
	var all []shape
	for _, f := range functions {
		all = append(all, shape{f.Name, f.Params, f.Results})
	}
	return all
}

// signature counts the WebAssembly parameters and results of a Go function.
func signature(t *testing.T, name string, function *ast.FuncDecl) shape {
	t.Helper()
	s := shape{name: name}
	for _, field := range function.Type.Params.List {
		width := 1
		if identifier, ok := field.Type.(*ast.Ident); ok && identifier.Name == "string" {
			width = 2
		}
		s.params += width * len(field.Names)
	}
	if function.Type.Results != nil {
		s.results = function.Type.Results.NumFields()
	}
	return s
}

// These packages alone are as large as a whole module, and TinyGo lacks parts of
// them: the SDK is free of reflection and of encoding/json.
func TestModulesStaySmall(t *testing.T) {
	list := exec.Command("go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		if slices.Contains([]string{"fmt", "reflect", "encoding", "encoding/json", "os", "time"}, name) {
			t.Errorf("package sdk links %s into every module", name)
		}
	}
}

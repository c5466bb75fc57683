package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// frozen are modules of the first version, which must run for ever.
//
//go:embed frozen/*.wasm
var frozen embed.FS

// module is a module of the suite. Its name is LANGUAGE-KIND.
type module struct {
	name string
	wasm []byte
}

// kind names the cases.
func (m module) kind() string {
	_, kind, _ := strings.Cut(m.name, "-")
	return kind
}

// readModules returns the .wasm files in a folder, and those that are frozen in this
// program if the folder is empty.
func readModules(folder string) ([]module, error) {
	files := os.DirFS(folder)
	if folder == "" {
		files, _ = fs.Sub(frozen, "frozen") // it is there
	}
	names, err := fs.Glob(files, "*.wasm")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no modules in %s; accepted: files LANGUAGE-KIND.wasm", folder)
	}
	var modules []module
	for _, name := range names {
		wasm, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		modules = append(modules, module{strings.TrimSuffix(path.Base(name), ".wasm"), wasm})
	}
	return modules, nil
}

package main

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"io/fs"
	"path"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// outputs are the generated files by their templates, relative to the folder sdk.
var outputs = map[string]string{
	"facts_gen.go":                     "facts.go.tmpl",
	"abi/keys_gen.go":                  "keys.go.tmpl",
	"FACTS.md":                         "facts.md.tmpl",
	"rust/src/abi.rs":                  "abi.rs.tmpl",
	"rust/src/facts.rs":                "facts.rs.tmpl",
	"assemblyscript/assembly/abi.ts":   "abi.ts.tmpl",
	"assemblyscript/assembly/facts.ts": "facts.ts.tmpl",
}

// parts are files of which parts are generated, between two marks. The template of a
// part has its name and the file's ending.
var parts = map[string][]string{
	"ABI.md":   {"imports", "exports", "levels", "limits", "bounds", "given", "classes", "wasi"},
	"c/snat.h": {"abi", "facts"},
}

// generate returns the content of every output by its name. It reads the inputs
// in the folder sdk.
func generate(sdk fs.FS) (map[string][]byte, error) {
	text, err := fs.ReadFile(sdk, "schema/facts.json")
	if err != nil {
		return nil, err
	}
	s, err := parse(text)
	if err != nil {
		return nil, err
	}
	c, err := readContract(sdk)
	if err != nil {
		return nil, err
	}
	t := template.Must(template.New("").Funcs(functions).ParseFS(templates, "templates/*"))
	render := func(name string) ([]byte, error) {
		var out bytes.Buffer
		err := t.ExecuteTemplate(&out, name, struct {
			schema
			contract
		}{s, c})
		return out.Bytes(), err
	}
	files := map[string][]byte{}
	for name, source := range outputs {
		if files[name], err = render(source); err != nil {
			return nil, err
		}
		if strings.HasSuffix(name, ".go") {
			if files[name], err = format.Source(files[name]); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for name, of := range parts {
		content, err := fs.ReadFile(sdk, name)
		if err != nil {
			return nil, err
		}
		for _, part := range of {
			text, err := render(part + path.Ext(name) + ".tmpl")
			if err != nil {
				return nil, err
			}
			if content, err = replacePart(content, part, text); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		files[name] = content
	}
	return files, nil
}

// replacePart puts text between the lines that hold "begin part:" and "end part".
func replacePart(content []byte, part string, text []byte) ([]byte, error) {
	begin := bytes.Index(content, []byte(" begin "+part+":"))
	end := bytes.Index(content, []byte(" end "+part+" "))
	if begin < 0 || end < begin {
		return nil, fmt.Errorf("no lines with %q and %q", " begin "+part+":", " end "+part+" ")
	}
	from := begin + bytes.IndexByte(content[begin:], '\n') + 1
	to := bytes.LastIndexByte(content[:end], '\n') + 1
	return bytes.Join([][]byte{content[:from], text, content[to:]}, nil), nil
}

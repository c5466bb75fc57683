package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
	"text/template"
)

// outputs are the generated files, relative to the folder sdk.
var outputs = map[string]string{
	"facts_gen.go": `// Code generated from schema/facts.json by schema/gen. DO NOT EDIT.

package sdk

import (
	"net/netip"

	"github.com/snatd/snatd/sdk/abi"
)
{{$unique := " It tells pods apart: a policy that reads it is evaluated for each of them."}}
{{- range .Facts}}{{$a := accessor .}}
{{comment .Go " returns the fact " .Key (when .Map "<key>") ". " .Doc " " $a.Note (when .Unique $unique)}}
func (f Facts) {{.Go}}({{when .Map "key string"}}) {{$a.Returns}} {
	return f.{{$a.Call}}(abi.Key{{.Go}}{{when .Map " + key"}})
}
{{if .Map}}
// {{.Go}}Keys returns the sorted keys that {{.Go}} has a value for.
func (f Facts) {{.Go}}Keys() []string {
	return f.keys(abi.Key{{.Go}})
}
{{end}}{{end}}`,

	"abi/keys_gen.go": `// Code generated from schema/facts.json by schema/gen. DO NOT EDIT.

package abi

// Keys of facts. One that ends in "." is the prefix of a family of keys.
const (
{{- range .Facts}}
	{{comment "Key" .Go " has a value of type " .Type ". " .Doc}}
	Key{{.Go}} = {{printf "%q" .Key}}
{{- end}}
)
`,

	"FACTS.md": `{{$c := "\x60" -}}
<!-- Generated from schema/facts.json by schema/gen. Do not edit. -->

# Facts

What a policy can ask for. Each is a key with a text as its value; the accessor decodes it.

| key | accessor of {{$c}}sdk.Facts{{$c}} | meaning |
|---|---|---|
{{- range .Facts}}{{$a := accessor .}}
| {{$c}}{{.Key}}{{when .Map "<key>"}}{{$c}} | {{$c}}{{.Go}}({{when .Map "key string"}}) {{$a.Returns}}{{$c}}
{{- if .Map}}, {{$c}}{{.Go}}Keys() []string{{$c}}{{end}} | {{.Doc}}{{when .Unique " Tells pods apart."}} |
{{- end}}

- A fact may be absent, and absent is not the same as empty: accessors return {{$c}}false{{$c}} beside the value. An absent bool is false.
- A bool is {{$c}}true{{$c}} or {{$c}}false{{$c}}, an address is IPv4, a list is its items in canonical order, each ended by a NUL byte.
- A decision is remembered by what was read, and shared by all pods that give the same answers. A policy that reads a fact that tells
  pods apart is evaluated for each of them.
`,
}

// generate returns the content of every output by its name.
func generate(text []byte) (map[string][]byte, error) {
	s, err := parse(text)
	if err != nil {
		return nil, err
	}
	functions := template.FuncMap{
		"accessor": func(f fact) any { return accessors[f.Type] },
		"comment":  comment,
		"when":     when,
	}
	files := map[string][]byte{}
	for name, source := range outputs {
		var out bytes.Buffer
		if err := template.Must(template.New(name).Funcs(functions).Parse(source)).Execute(&out, s); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = out.Bytes()
		if strings.HasSuffix(name, ".go") {
			if files[name], err = format.Source(out.Bytes()); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return files, nil
}

// comment returns the joined parts as a Go comment, wrapped at 80 columns.
func comment(parts ...string) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(strings.Join(parts, "")) {
		switch {
		case column == 0:
			out.WriteString("//")
			column = 2
		case column+1+len(word) > 80:
			out.WriteString("\n//")
			column = 2
		}
		out.WriteString(" " + word)
		column += 1 + len(word)
	}
	return out.String()
}

func when(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/snatd/snatd/sdk/abi"
)

// contract is what package abi says: its tables, with the comments in its source.
type contract struct {
	Module     string
	WASIModule string
	WASI       []string
	Imports    []function
	Exports    []function
	Results    []value
	Levels     []value
	Limits     []value
	Bounds     []value
	Given      []value
	Classes    []value
}

// function is a host function or an export.
type function struct {
	Name   string
	Params []param
	Result string // its name; empty: none
	In     []string
	Doc    string
}

// param is a parameter. Its kind follows from its name.
type param struct{ Name, Kind string }

// Kinds of parameters.
const (
	kindText   = "text"   // where the bytes of a text are
	kindBuffer = "buffer" // where the host writes
	kindSize   = "size"   // bytes
	kindNumber = "number"
)

// value is a constant.
type value struct {
	Name  string // in Go
	Value string
	Doc   string
}

// readContract reads the source in the folder abi.
func readContract(sdk fs.FS) (contract, error) {
	constants, err := readConstants(sdk)
	if err != nil {
		return contract{}, err
	}
	c := contract{Module: abi.Module, WASIModule: abi.WASIModule, WASI: abi.WASI}
	for _, table := range []struct {
		of   []abi.Function
		into *[]function
	}{{abi.Imports, &c.Imports}, {abi.Exports, &c.Exports}} {
		for _, f := range table.of {
			described, err := describe(f, constants)
			if err != nil {
				return contract{}, fmt.Errorf("abi: function %s: %w", f.Name, err)
			}
			*table.into = append(*table.into, described)
		}
	}
	for _, v := range constants {
		switch {
		case slices.Contains([]string{"Absent", "Decided", "NoOpinion"}, v.Name):
			c.Results = append(c.Results, v)
		case strings.HasPrefix(v.Name, "Level"):
			c.Levels = append(c.Levels, v)
		case strings.HasPrefix(v.Name, "Max"):
			c.Limits = append(c.Limits, v)
		case strings.HasPrefix(v.Name, "Bound"):
			c.Bounds = append(c.Bounds, v)
		case strings.HasPrefix(v.Name, "Given"):
			c.Given = append(c.Given, v)
		case strings.HasPrefix(v.Name, "Class"):
			c.Classes = append(c.Classes, v)
		}
	}
	return c, nil
}

// signature is how the comment of a function's name gives its parameters.
var signature = regexp.MustCompile(`^(\w+) (.*?): \(([^)]*)\)(?: -> (\w+))?\. ?(.*)$`)

// describe finds what the comment of a function's name says.
func describe(f abi.Function, constants []value) (function, error) {
	i := slices.IndexFunc(constants, func(v value) bool { return v.Value == f.Name })
	if i < 0 {
		return function{}, fmt.Errorf("no constant has its name")
	}
	m := signature.FindStringSubmatch(constants[i].Doc)
	if m == nil {
		return function{}, fmt.Errorf("the comment of %s is not `%[1]s does something: (a, b) -> result.`", constants[i].Name)
	}
	described := function{Name: f.Name, Result: m[4], In: f.In, Doc: strings.TrimSpace(strings.ToUpper(m[2][:1]) + m[2][1:] + ". " + m[5])}
	for _, name := range strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' }) {
		described.Params = append(described.Params, param{name, kindOf(name)})
	}
	if len(described.Params) != f.Params || (described.Result != "") != (f.Results == 1) {
		return function{}, fmt.Errorf("the comment gives it %d parameters and the result %q, the table %d and %d", len(described.Params), described.Result, f.Params, f.Results)
	}
	return described, nil
}

func kindOf(name string) string {
	switch {
	case name == "cap" || strings.HasSuffix(name, "_len"):
		return kindSize
	case name == "buf":
		return kindBuffer
	case name == "level":
		return kindNumber
	}
	return kindText
}

// readConstants returns the constants of the folder abi in the order of the
// source, each with its comment as one line.
func readConstants(sdk fs.FS) ([]value, error) {
	names, err := fs.Glob(sdk, "abi/*.go")
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(sdk, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(set, path.Base(name), text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	info := types.Info{Defs: map[*ast.Ident]types.Object{}}
	if _, err := (&types.Config{}).Check("abi", set, files, &info); err != nil {
		return nil, err
	}
	var values []value
	for _, file := range files {
		for _, d := range file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, s := range group.Specs {
				spec := s.(*ast.ValueSpec)
				doc := strings.Join(strings.Fields(spec.Doc.Text()+" "+spec.Comment.Text()), " ")
				values = append(values, value{spec.Names[0].Name, text(info.Defs[spec.Names[0]].(*types.Const).Val()), doc})
			}
		}
	}
	return values, nil
}

func text(v constant.Value) string {
	if v.Kind() == constant.String {
		return constant.StringVal(v)
	}
	return v.ExactString()
}

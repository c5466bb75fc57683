package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/fresh"
)

// TestReference holds README.md against the comments of Config's fields, the
// defaults and the variables.
func TestReference(t *testing.T) {
	fresh.Check(t, "README.md", reference(t), "go test ./host/config -run Reference -write")
}

// TestVariablesHaveKeys: the reference has a row for each.
func TestVariablesHaveKeys(t *testing.T) {
	text := reference(t)
	for _, v := range variables {
		if !strings.Contains(text, "| `"+v.name+"` |") {
			t.Errorf("%s overrides %s, which is not a key of the file", v.name, v.key)
		}
	}
}

func reference(t *testing.T) string {
	var text strings.Builder
	text.WriteString(`<!-- Made from config.go by: go test ./host/config -run Reference -write -->

# Configuration

The file that ` + "`--config`" + ` names is YAML. Every key is optional. An unknown key, a key given twice or a value that is not
accepted is an error with file, line and key. A variable of the AWS VPC CNI plugin overrides the key in its row, unless
it is empty; the flags ` + "`--facts` and `--policies` (of `snatd run`, `snatd plan` and `snatd explain --at plan`), `--socket` and `--log-level`" + `
override ` + "`facts.file`, `policies.directory`, `socket` and `log.level`" + `. Relative paths begin at the working directory.

| key | default | variable | meaning |
| --- | --- | --- | --- |
`)
	rows(t, &text, comments(t), "", reflect.ValueOf(Default()))
	return text.String()
}

func rows(t *testing.T, text *strings.Builder, comments map[string]string, prefix string, section reflect.Value) {
	for i := range section.NumField() {
		field, value := section.Type().Field(i), section.Field(i)
		key := prefix + field.Tag.Get("yaml")
		if field.Type.Kind() == reflect.Struct && field.Type.PkgPath() == section.Type().PkgPath() {
			rows(t, text, comments, key+".", value)
			continue
		}
		meaning := comments[section.Type().Name()+"."+field.Name]
		if meaning == "" {
			t.Errorf("%s has no comment", key)
		}
		fmt.Fprintf(text, "| `%s` | %s | %s | %s |\n", key, standard(value), variableOf(key), meaning)
	}
}

// standard is a default as it would be written in the file.
func standard(value reflect.Value) string {
	switch {
	case value.Kind() == reflect.Slice:
		items := make([]string, value.Len())
		for i := range items {
			items[i] = fmt.Sprintf("%q", fmt.Sprint(value.Index(i)))
		}
		return "`[" + strings.Join(items, ", ") + "]`"
	case value.IsZero() && value.Kind() != reflect.Bool:
		return ""
	}
	return fmt.Sprintf("`%v`", value)
}

func variableOf(key string) string {
	for _, v := range variables {
		if v.key == key {
			return "`" + v.name + "`"
		}
	}
	return ""
}

// comments are the comments of config.go's fields, by "Type.Field".
func comments(t *testing.T) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			all[spec.Name.Name+"."+field.Names[0].Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
		}
		return false
	})
	return all
}

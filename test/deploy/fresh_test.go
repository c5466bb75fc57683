package deploy

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/config"
)

var write = flag.Bool("write", false, "write what is made from other files instead of comparing it")

// What is made from other files is what would be made now.
func TestFresh(t *testing.T) {
	schema := filepath.Join(Folder(t), "chart/values.schema.json")
	fresh(t, schema, valuesSchema(t, schema)) // first, since helm goes by it
	alerts, err := os.ReadFile(filepath.Join(Folder(t), "../prometheus/alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// A chart contains all that it needs, wherever it is copied to.
	fresh(t, filepath.Join(Folder(t), "chart/files/alerts.yaml"), alerts)
	for _, name := range []string{"rbac", "configmap", "daemonset"} {
		text, err := Render(t, "--show-only", "templates/"+name+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		const made = "# Made from the chart by: go test ./test/deploy -run Fresh -write\n"
		text = made + strings.TrimPrefix(strings.ReplaceAll(text, "# Source: snatd/templates/"+name+".yaml\n", ""), "---\n")
		fresh(t, filepath.Join(Folder(t), "manifests", name+".yaml"), []byte(text))
	}
}

// fresh compares a file with what it has to be, or writes that.
func fresh(t *testing.T, path string, want []byte) {
	t.Helper()
	if *write {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what it is made from: run go test ./test/deploy -run Fresh -write (%v)", path, err)
	}
}

// notHere are the keys of the configuration that a chart has no value for: the pod's
// mounts and environment say these, and a socket's group is changed by a capability
// that the pod lacks.
var notHere = map[string]bool{
	"facts.file": true, "facts.record": true, "kubernetes": true, "policies.directory": true, "policies.cache": true,
	"socket": true, "socketGroup": true, "metrics.listen": true, "history": true,
}

// valuesSchema is the schema of the values, with the keys that the configuration
// has now.
func valuesSchema(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	schema["properties"].(map[string]any)["config"] = section("", reflect.TypeFor[config.Config]())
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// section is the schema of a part of the configuration. What its words and numbers
// may be, the daemon says.
func section(prefix string, of reflect.Type) map[string]any {
	properties := map[string]any{}
	for i := range of.NumField() {
		field := of.Field(i)
		key := field.Tag.Get("yaml")
		switch {
		case notHere[prefix+key]:
		case field.Type.Kind() == reflect.Struct && !isText(field.Type):
			properties[key] = section(prefix+key+".", field.Type)
		default:
			properties[key] = value(field.Type)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func value(of reflect.Type) map[string]any {
	switch {
	case of == reflect.TypeFor[config.Mark](), of == reflect.TypeFor[config.MiB]():
		return map[string]any{"type": []string{"integer", "string"}}
	case isText(of), of.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	case of.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case of.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": value(of.Elem())}
	}
	panic("a configuration has no " + of.String())
}

func isText(of reflect.Type) bool {
	return reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

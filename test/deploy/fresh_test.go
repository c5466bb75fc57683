package deploy

import (
	"bytes"
	"encoding"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/fresh"
)

// What is made from other files is what would be made now.
func TestFresh(t *testing.T) {
	schema := filepath.Join(Folder(t), "chart/values.schema.json")
	fresh.Check(t, schema, string(valuesSchema(t, schema)), again) // first, since helm goes by it
	alerts, err := os.ReadFile(filepath.Join(Folder(t), "../prometheus/alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// A chart contains all that it needs, wherever it is copied to.
	fresh.Check(t, filepath.Join(Folder(t), "chart/files/alerts.yaml"), string(alerts), again)
	for _, name := range []string{"rbac", "configmap", "daemonset"} {
		text, err := Render(t, "--show-only", "templates/"+name+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		const made = "# Made from the chart by: " + again + "\n"
		text = made + strings.TrimPrefix(strings.ReplaceAll(text, "# Source: snatd/templates/"+name+".yaml\n", ""), "---\n")
		fresh.Check(t, filepath.Join(Folder(t), "manifests", name+".yaml"), text, again)
	}
}

// again makes all of them.
const again = "go test ./test/deploy -run Fresh -write"

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

// section is the schema of a part of the configuration.
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
			properties[key] = value(prefix+key, field.Type)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

// Texts that the daemon accepts, in the spellings that people use. What a pattern
// cannot say, such as that a CIDR has no host bits, the daemon says.
const (
	octet    = `(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`
	address  = octet + `(\.` + octet + `){3}`
	ofDevice = `[^\s*"'\\/:]{1,15}`
)

// value is the schema of one key. A pattern is for texts only and bounds are for
// numbers only, so that both stand side by side where a key takes either.
func value(key string, of reflect.Type) map[string]any {
	text := func(pattern string) map[string]any {
		return map[string]any{"type": "string", "pattern": "^(" + pattern + ")$"}
	}
	number := func(pattern string, least, most int) map[string]any {
		return map[string]any{"type": []string{"integer", "string"}, "pattern": "^(" + pattern + ")$", "minimum": least, "maximum": most}
	}
	list := func(items map[string]any) map[string]any { return map[string]any{"type": "array", "items": items} }
	switch words := config.Words(key); {
	case words != nil:
		return map[string]any{"type": "string", "enum": words}
	case key == "network.primaryInterface":
		return text(`|` + ofDevice)
	case key == "network.podInterfaces":
		items := text(ofDevice + `\*?`)
		items["maxLength"] = 15
		patterns := list(items)
		patterns["minItems"] = 1
		return patterns
	case key == "facts.prefixLists":
		return list(map[string]any{"type": "string", "minLength": 1, "maxLength": 255})
	case of == reflect.TypeFor[config.Mark]():
		return number(`0[xX]0*[1248]0{0,7}|[0-9]+`, 1, 1<<31)
	case of == reflect.TypeFor[config.MiB]():
		return number(`[0-9]+`, 4, 1024)
	case of == reflect.TypeFor[config.Duration]():
		return text(`([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+`)
	case of == reflect.TypeFor[config.Share]():
		return text(`(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%`)
	case of == reflect.TypeFor[netip.Addr]():
		return text(address)
	case of == reflect.TypeFor[[]netip.Prefix]():
		prefixes := list(text(address + `/(3[0-2]|[12]?[0-9])`))
		prefixes["maxItems"] = config.MaxExcludeCIDRs
		return prefixes
	case of.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	}
	panic("nothing says what " + key + " accepts")
}

func isText(of reflect.Type) bool {
	return reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

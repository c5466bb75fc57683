package document_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/document"
)

// sample has a field of every kind that Decode knows.
type sample struct {
	Name    string            `yaml:"name"`
	On      bool              `yaml:"on"`
	Level   level             `yaml:"level"`
	CIDRs   []netip.Prefix    `yaml:"cidrs"`
	Address netip.Addr        `yaml:"address"`
	Labels  map[string]string `yaml:"labels"`
	Inner   inner             `yaml:"inner"`
	Items   []inner           `yaml:"items"`
	Maybe   *bool             `yaml:"maybe"`
	Count   int               `yaml:"count"`

	// Computed has no key.
	Computed int
}

type inner struct {
	A string `yaml:"a"`
	B bool   `yaml:"b"`
}

// level is a type that reads its own text.
type level string

func (l *level) UnmarshalText(text []byte) error {
	if string(text) != "low" && string(text) != "0x80" {
		return fmt.Errorf("%s is not a level, accepted: low", document.Quote(string(text)))
	}
	*l = level(text)
	return nil
}

func TestDecode(t *testing.T) {
	defaults := func() sample { return sample{Name: "default", CIDRs: prefixes("10.9.0.0/16"), Inner: inner{A: "x"}} }
	tests := []struct {
		name, text string
		want       func(*sample)
	}{
		{"empty", "", func(*sample) {}},
		{"comments only", "# nothing\n", func(*sample) {}},
		{"empty document", "---\n", func(*sample) {}},
		{"null document", "~\n", func(*sample) {}},
		{"keys without values keep the default", "name:\ncidrs:\ninner:\n", func(*sample) {}},
		{"empty list", "cidrs: []", func(s *sample) { s.CIDRs = prefixes() }},
		{"string", "name: web", func(s *sample) { s.Name = "web" }},
		{"string in quotes", `name: "1.10"`, func(s *sample) { s.Name = "1.10" }},
		{"block of text", "name: |\n  a\n  b\n", func(s *sample) { s.Name = "a\nb\n" }},
		{"bool", "on: true", func(s *sample) { s.On = true }},
		{"a bool that may be absent", "maybe: false", func(s *sample) { s.Maybe = new(false) }},
		{"no value for what may be absent", "maybe:", func(*sample) {}},
		{"number", "count: -64", func(s *sample) { s.Count = -64 }},
		{"own type", "level: low", func(s *sample) { s.Level = "low" }},
		{"own type sees a number as written", "level: 0x80", func(s *sample) { s.Level = "0x80" }},
		{"cidrs", "cidrs: [10.0.0.0/8, 0.0.0.0/0]", func(s *sample) { s.CIDRs = prefixes("10.0.0.0/8", "0.0.0.0/0") }},
		{"ipv4 address", "address: 10.0.0.1", func(s *sample) { s.Address = netip.MustParseAddr("10.0.0.1") }},
		{"ipv6 address", `address: "fd00::1"`, func(s *sample) { s.Address = netip.MustParseAddr("fd00::1") }},
		{"map", "labels: {app.kubernetes.io/name: web, b: \"\"}", func(s *sample) {
			s.Labels = map[string]string{"app.kubernetes.io/name": "web", "b": ""}
		}},
		{"struct keeps the fields that are absent", "inner: {b: true}", func(s *sample) { s.Inner.B = true }},
		{"list of structs", "items:\n- a: x\n- b: true\n", func(s *sample) { s.Items = []inner{{A: "x"}, {B: true}} }},
		{"json", `{"name": "web", "inner": {"a": "y"}}`, func(s *sample) { s.Name, s.Inner.A = "web", "y" }},
		{"byte order mark", "\ufeffname: web\n", func(s *sample) { s.Name = "web" }},
		{"lines of windows", "name: web\r\non: true\r\n", func(s *sample) { s.Name, s.On = "web", true }},
		{"marked begin and end", "---\nname: web\n...\n", func(s *sample) { s.Name = "web" }},
		{"directive", "%YAML 1.2\n---\nname: web\n", func(s *sample) { s.Name = "web" }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, want := defaults(), defaults()
			test.want(&want)
			if err := document.Decode("f.yaml", []byte(test.text), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(samePrefix), cmp.Comparer(sameAddr)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	const top = "name, on, level, cidrs, address, labels, inner, items, maybe, count"
	tests := []struct{ name, text, want string }{
		{"unknown key", "title: x", "f.yaml:1:1: title: unknown key, accepted: " + top},
		{"unknown key inside", "inner:\n  c: x", "f.yaml:2:3: inner.c: unknown key, accepted: a, b"},
		{"unknown key in a list", "items:\n- a: x\n- c: x", "f.yaml:3:3: items[1].c: unknown key, accepted: a, b"},
		{"field that is not in the file", "Computed: 1", "f.yaml:1:1: Computed: unknown key, accepted: " + top},
		{"empty key", `"": 1`, `f.yaml:1:1: "": unknown key, accepted: ` + top},
		{"key with a line break", `"a\nb": 1`, `f.yaml:1:1: "a\nb": unknown key, accepted: ` + top},
		{"duplicate key", "name: a\non: true\nname: b", "f.yaml:3:1: name: duplicate key, first on line 1"},
		{"duplicate key in a map", "labels:\n  a: x\n  a: y\n", "f.yaml:3:3: labels.a: duplicate key, first on line 2"},
		{"number as a key", "labels: {1: x}", `f.yaml:1:10: labels.1: a number as a key, accepted: a string, such as "1"`},
		{"not a mapping", "- a\n", "f.yaml:1:1: a list, accepted: the keys " + top},
		{"just text", "hello", "f.yaml:1:1: a string, accepted: the keys " + top},
		{"scalar for a struct", "inner: x", "f.yaml:1:8: inner: a string, accepted: the keys a, b"},
		{"list for a struct", "inner:\n- x", "f.yaml:1:1: inner: a list, accepted: the keys a, b"},
		{"scalar for a list", "cidrs: 10.0.0.0/8", "f.yaml:1:8: cidrs: a string, accepted: a list"},
		{"mapping for a list", "cidrs:\n  a: b", "f.yaml:1:1: cidrs: keys and values, accepted: a list"},
		{"list for a map", "labels: [a]", "f.yaml:1:1: labels: a list, accepted: keys and values"},
		{"list for a string", "name: [a]", "f.yaml:1:1: name: a list, accepted: a string"},
		{"number for a string", "name: 1.10", `f.yaml:1:7: name: 1.10 without quotes is a number, accepted: a string, such as "1.10"`},
		{"bool for a string", "labels: {a: true}", `f.yaml:1:13: labels.a: true without quotes is a bool, accepted: a string, such as "true"`},
		{"yes for a bool", "on: yes", `f.yaml:1:5: on: "yes" is not a bool, accepted: true, false`},
		{"bool in quotes", `on: "true"`, `f.yaml:1:5: on: "true" is not a bool, accepted: true, false`},
		{"number in quotes", `count: "64"`, "f.yaml:1:8: count: a string, accepted: a whole number without quotes"},
		{"part of a number", "count: 6.4", "f.yaml:1:8: count: a number, accepted: a whole number without quotes"},
		{"number in octal", "count: 010", "f.yaml:1:8: count: a number, accepted: a whole number without quotes"},
		{"number that is too large", "count: 9223372036854775808", "f.yaml:1:8: count: a number, accepted: a whole number without quotes"},
		{"list for a number", "count: [1]", "f.yaml:1:1: count: a list, accepted: a whole number without quotes"},
		{"mapping for a bool", "on: {}", "f.yaml:1:1: on: keys and values, accepted: true, false"},
		{"no bool for what may be absent", "maybe: no", `f.yaml:1:8: maybe: "no" is not a bool, accepted: true, false`},
		{"tag for what may be absent", "maybe: !!bool true", "f.yaml:1:8: maybe: a tag (!), accepted: true, false"},
		{"own type", "level:\n  high", `f.yaml:2:3: level: "high" is not a level, accepted: low`},
		{"list for an own type", "level: [low]", "f.yaml:1:1: level: a list, accepted: a single value"},
		{"list for an address", "address: [10.0.0.1]", "f.yaml:1:1: address: a list, accepted: a single value"},
		{"nothing in a list", "cidrs:\n- 10.0.0.0/8\n-\n", "f.yaml:3:3: cidrs[1]: no value, accepted: a single value"},
		{"nothing in a map", "labels: {a: }", "f.yaml:1:10: labels.a: no value, accepted: a string"},

		{"not a cidr", "cidrs: [10.0.0.0]", `f.yaml:1:9: cidrs[0]: "10.0.0.0" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"host bits", "cidrs:\n- 10.0.0.0/8\n- 10.0.0.1/16", `f.yaml:3:3: cidrs[1]: "10.0.0.1/16" has host bits set, accepted: 10.0.0.0/16`},
		{"ipv6 cidr", `cidrs: ["fd00::/8"]`, `f.yaml:1:9: cidrs[0]: "fd00::/8" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"ipv4 in ipv6 cidr", `cidrs: ["::ffff:10.0.0.0/104"]`, `f.yaml:1:9: cidrs[0]: "::ffff:10.0.0.0/104" is IPv6, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"number for a cidr", "cidrs: [10]", `f.yaml:1:9: cidrs[0]: "10" is not a CIDR, accepted: an IPv4 CIDR, such as 10.0.0.0/16`},
		{"not an address", "address: 10.0.0", `f.yaml:1:10: address: "10.0.0" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{"empty address", `address: ""`, `f.yaml:1:10: address: "" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{"address with a zone", `address: fe80::1%eth0`, `f.yaml:1:10: address: "fe80::1%eth0" has a zone, accepted: fe80::1`},
		{"ipv4 in ipv6 address", `address: "::ffff:10.0.0.1"`, `f.yaml:1:10: address: "::ffff:10.0.0.1" is IPv4 written as IPv6, accepted: 10.0.0.1`},

		{"anchor", "name: &a x", "f.yaml:1:7: name: an anchor (&), accepted: a string"},
		{"alias", "name: *a", "f.yaml:1:7: name: an alias (*), accepted: a string"},
		{"tag", "name: !!str 1", "f.yaml:1:7: name: a tag (!), accepted: a string"},
		{"merge key", "inner:\n  <<: {a: b}", "f.yaml:2:3: inner: a merge key (<<), accepted: the keys a, b"},
		{"complex key", "? name\n: b\n", "f.yaml:1:1: a complex key (?), accepted: the keys " + top},
		{"two documents", "name: a\n---\nname: b\n", "f.yaml:3:1: a second document, accepted: one document in a file"},

		{"bracket left open", "cidrs: [a,", "f.yaml:1:8: not YAML: sequence end token ']' not found"},
		{"indented by a tab", "inner:\n\ta: x", "f.yaml:2:1: not YAML: found character '\\t' that cannot start any token"},
		{"quote left open", "name: 'x", "f.yaml:1:7: not YAML: could not find end character of single-quoted text"},
		{"not text", "name: a\nn\xff", "f.yaml:2:2: not text, accepted: YAML in UTF-8"},
		{"deep brackets", strings.Repeat("[", 100), "f.yaml:1:33: nested deeper than 32 lists and mappings"},
		{"deep lists", strings.Repeat("- ", 100), "f.yaml:1:65: nested deeper than 32 lists and mappings"},
		{"too large", strings.Repeat("#", document.Limit+1), "f.yaml: larger than 1048576 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got sample
			err := document.Decode("f.yaml", []byte(test.text), &got)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if positioned := (*document.Error)(nil); !errors.As(err, &positioned) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func TestErrorf(t *testing.T) {
	const text = "name: a\nitems:\n  - a: x\n  - b: true\n"
	doc, err := document.Parse("f.yaml", []byte(text), document.Limit)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Decode(new(sample)); err != nil {
		t.Fatal(err)
	}
	empty, err := document.Parse("f.yaml", nil, document.Limit)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		doc  *document.Document
		key  string
		want string
	}{
		{"scalar", doc, "name", "f.yaml:1:7: name: is 1"},
		{"list", doc, "items", "f.yaml:2:1: items: is 1"},
		{"scalar in a list", doc, "items[1].b", "f.yaml:4:8: items[1].b: is 1"},
		{"absent in a list", doc, "items[1].a", "f.yaml:4:5: items[1].a: is 1"},
		{"absent item", doc, "items[2]", "f.yaml:2:1: items[2]: is 1"},
		{"absent", doc, "inner.a", "f.yaml:1:1: inner.a: is 1"},
		{"whole file", doc, "", "f.yaml:1:1: is 1"},
		{"empty file", empty, "inner.a", "f.yaml: inner.a: is 1"},
		{"no file", nil, "inner.a", "inner.a: is 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.doc.Errorf(test.key, "is %d", 1).Error(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f.yaml")
	if err := os.WriteFile(file, []byte("name: web\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, err := document.Load(file, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got sample
	if err := doc.Decode(&got); err != nil || got.Name != "web" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := document.Load(file, 9); err == nil || err.Error() != "read "+file+": the file is too large: at most 9 bytes are accepted" {
		t.Errorf("too large: %v", err)
	}
	if _, err := document.Load(dir, 9); err == nil || err.Error() != "read "+dir+": not a regular file" {
		t.Errorf("directory: %v", err)
	}
	if _, err := document.Load(filepath.Join(dir, "none"), 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestQuote(t *testing.T) {
	for value, want := range map[string]string{
		"":                            `""`,
		"a\nb":                        `"a\nb"`,
		strings.Repeat("x", 64):       `"` + strings.Repeat("x", 64) + `"`,
		strings.Repeat("x", 65):       `"` + strings.Repeat("x", 64) + `"...`,
		strings.Repeat("ä", 32) + "x": `"` + strings.Repeat("ä", 32) + `"...`,
		"x" + strings.Repeat("ä", 33): `"x` + strings.Repeat("ä", 31) + `"...`,
	} {
		if got := document.Quote(value); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// FuzzDecode: whatever the file holds, it is decoded, or there is one error on
// one line that names the file.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "name: web\non: true\n", "inner: {a: x}\nitems: [{a: y}]", "cidrs:\n- 10.0.0.0/8\n", "labels: {a: b}",
		"a: |\n  x\n", "? a\n: b", "<<: *a", "a: &a !!str x\n---\n", "- - [{", "%YAML 1.2\n---\n", "level: 0x80", "\ufeff'a\n\nb': c",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := document.Decode("f.yaml", data, new(sample))
		if err == nil {
			return
		}
		positioned := (*document.Error)(nil)
		if !errors.As(err, &positioned) || !strings.HasPrefix(err.Error(), "f.yaml:") || strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("%T %q", err, err)
		}
	})
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func samePrefix(a, b netip.Prefix) bool { return a == b }
func sameAddr(a, b netip.Addr) bool     { return a == b }

// What another version has written is read as far as it is known, and what is wrong there
// is as wrong as ever.
func TestDecodeKnown(t *testing.T) {
	decode := func(text string) (got sample, unknown []string, err error) {
		doc, err := document.Parse("file", []byte(text), document.Limit)
		if err != nil {
			t.Fatal(err)
		}
		unknown, err = doc.DecodeKnown(&got)
		return got, unknown, err
	}
	got, unknown, err := decode("name: a\nnew: {x: [1, 2]}\ninner: {a: b, c: d}\nitems: [{a: e}, {a: f, g: h}]\nlabels: {any: thing}\n")
	want := sample{Name: "a", Inner: inner{A: "b"}, Items: []inner{{A: "e"}, {A: "f"}}, Labels: map[string]string{"any": "thing"}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"new", "inner.c", "items[1].g"}, unknown); diff != "" {
		t.Errorf("unknown keys, -want +got:\n%s", diff)
	}
	if _, _, err := decode("new: 1\non: perhaps\n"); err == nil || !strings.Contains(err.Error(), `file:2:5: on: "perhaps" is not a bool`) {
		t.Error(err)
	}
	if _, _, err := decode("new: 1\nnew: 2\n"); err == nil || !strings.Contains(err.Error(), "duplicate key") {
		t.Error(err)
	}
}

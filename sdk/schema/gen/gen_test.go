package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOutputsAreFresh(t *testing.T) {
	files, err := generate(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil || string(got) != string(want) {
			t.Errorf("sdk/%s is not what schema/facts.json and abi say: run go generate ./sdk (%v)", name, err)
		}
	}
}

func TestBadSchema(t *testing.T) {
	for _, test := range []struct{ facts, err string }{
		{`{"key": "a", "type": "string", "go": "A", "source": "S.", "doc": "D.", "maps": true}`,
			`schema: json: unknown field "maps"`},
		{`{"type": "string", "go": "A", "source": "S.", "doc": "D."}`,
			`schema: fact "": no key`},
		{`{"key": "a.", "type": "string", "go": "A", "source": "S.", "doc": "D."}`,
			`schema: fact "a.": a key ends in "." if and only if "map" is true`},
		{`{"key": "a", "map": true, "type": "string", "go": "A", "source": "S.", "doc": "D."}`,
			`schema: fact "a": a key ends in "." if and only if "map" is true`},
		{`{"key": "a", "type": "int", "go": "A", "source": "S.", "doc": "D."}`,
			`schema: fact "a": type "int", want string, bool, address or prefixes`},
		{`{"key": "a", "type": "string", "go": "a", "source": "S.", "doc": "D."}`,
			`schema: fact "a": go "a" is not an exported Go name`},
		{`{"key": "a", "type": "string", "go": "A", "source": "S.", "doc": "D"}`,
			`schema: fact "a": doc is not a sentence that ends in a period`},
		{`{"key": "a", "type": "string", "go": "A", "doc": "D."}`,
			`schema: fact "a": source is not a text that ends in a period`},
		{`{"key": "a", "type": "string", "go": "A", "unique": "yes", "source": "S.", "doc": "D."}`,
			`schema: fact "a": unique "yes", want "always", "sometimes" or nothing`},
		{`{"key": "a", "type": "string", "go": "A", "source": "S.", "doc": "D."}, {"key": "b", "type": "string", "go": "A", "source": "S.", "doc": "D."}`,
			`schema: fact "b": its key or its name A is taken`},
	} {
		_, err := parse([]byte(`{"facts": [` + test.facts + `]}`))
		if err == nil || err.Error() != test.err {
			t.Errorf("%s\ngot  %v\nwant %s", test.facts, err, test.err)
		}
	}
}

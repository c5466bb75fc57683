package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/token"
	"strings"
)

// schema is the content of facts.json.
type schema struct {
	Facts []fact `json:"facts"`
}

// fact is one fact, or one family of facts whose keys share a prefix.
type fact struct {
	Key    string `json:"key"`    // the whole key; with Map its prefix, which ends in "."
	Type   string `json:"type"`   // a key of accessors
	Map    bool   `json:"map"`    // the key goes on after Key
	Go     string `json:"go"`     // the accessor's name
	Unique bool   `json:"unique"` // its value tells pods apart
	Doc    string `json:"doc"`    // one sentence for people
}

// accessors are the types that a fact may have: what its accessor calls, what
// that returns, and how the documentation puts it.
var accessors = map[string]struct{ Call, Returns, Note string }{
	"string":   {"Fact", "(string, bool)", "False if it is absent."},
	"bool":     {"boolean", "(bool, error)", "An absent fact is false."},
	"address":  {"address", "(netip.Addr, bool, error)", "False if it is absent."},
	"prefixes": {"prefixes", "([]netip.Prefix, bool, error)", "False if it is absent; an empty list is not."},
}

// parse reads the schema strictly: what it accepts, the templates can render.
func parse(text []byte) (schema, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var s schema
	if err := decoder.Decode(&s); err != nil {
		return schema{}, fmt.Errorf("schema: %w", err)
	}
	keys, names := map[string]bool{}, map[string]bool{}
	for _, f := range s.Facts {
		if err := f.check(); err != nil {
			return schema{}, fmt.Errorf("schema: fact %q: %w", f.Key, err)
		}
		if keys[f.Key] || names[f.Go] {
			return schema{}, fmt.Errorf("schema: fact %q: its key or its name %s is taken", f.Key, f.Go)
		}
		keys[f.Key], names[f.Go] = true, true
	}
	return s, nil
}

func (f fact) check() error {
	switch {
	case f.Key == "":
		return fmt.Errorf("no key")
	case f.Map != strings.HasSuffix(f.Key, "."):
		return fmt.Errorf(`a key ends in "." if and only if "map" is true`)
	case accessors[f.Type].Call == "":
		return fmt.Errorf("type %q, want string, bool, address or prefixes", f.Type)
	case !token.IsExported(f.Go) || !token.IsIdentifier(f.Go):
		return fmt.Errorf("go %q is not an exported Go name", f.Go)
	case !strings.HasSuffix(f.Doc, "."):
		return fmt.Errorf("doc is not a sentence that ends in a period")
	}
	return nil
}

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
	Type   string `json:"type"`   // one of types
	Map    bool   `json:"map"`    // the key goes on after Key
	Go     string `json:"go"`     // the accessor's name in Go; other languages go by the key
	Unique string `json:"unique"` // whether its value tells pods apart: always, sometimes, or empty for never
	Source string `json:"source"` // where the host has it from, for people
	Doc    string `json:"doc"`    // one sentence for people
}

// Types of facts.
const (
	typeString   = "string"
	typeBool     = "bool"
	typeAddress  = "address"
	typePrefixes = "prefixes"
)

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
	case f.Type != typeString && f.Type != typeBool && f.Type != typeAddress && f.Type != typePrefixes:
		return fmt.Errorf("type %q, want string, bool, address or prefixes", f.Type)
	case !token.IsExported(f.Go) || !token.IsIdentifier(f.Go):
		return fmt.Errorf("go %q is not an exported Go name", f.Go)
	case f.Unique != "" && f.Unique != "always" && f.Unique != "sometimes":
		return fmt.Errorf(`unique %q, want "always", "sometimes" or nothing`, f.Unique)
	case !strings.HasSuffix(f.Source, "."):
		return fmt.Errorf("source is not a text that ends in a period")
	case !strings.HasSuffix(f.Doc, "."):
		return fmt.Errorf("doc is not a sentence that ends in a period")
	}
	return nil
}

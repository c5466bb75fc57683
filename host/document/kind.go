package document

import (
	"encoding"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// scalarText is what a scalar says, as it is written but without quotes.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// unplain names what the dialect leaves out of YAML; "" for the rest.
func unplain(n ast.Node) string {
	switch n.Type() {
	case ast.AnchorType:
		return "an anchor (&)"
	case ast.AliasType:
		return "an alias (*)"
	case ast.MergeKeyType:
		return "a merge key (<<)"
	case ast.TagType:
		return "a tag (!)"
	case ast.MappingKeyType:
		return "a complex key (?)"
	}
	return ""
}

// kind names what a node is, for people.
func kind(n ast.Node) string {
	switch n.Type() {
	case ast.MappingType:
		return "keys and values"
	case ast.SequenceType:
		return "a list"
	case ast.StringType, ast.LiteralType:
		return "a string"
	case ast.BoolType:
		return "a bool"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.NullType:
		return "null"
	}
	return "something else"
}

// accepted says what a value of the type may be in a file, for people.
func accepted(t reflect.Type) string {
	if _, ok := parsers[t]; ok || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "a single value"
	}
	switch t.Kind() {
	case reflect.Struct:
		return "the keys " + strings.Join(fieldKeys(t), ", ")
	case reflect.Map:
		return "keys and values"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true, false"
	case reflect.Int:
		return "a whole number without quotes"
	}
	return "a string"
}

// fieldKeys are the keys that a struct accepts, in the order of its fields.
func fieldKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if key := fieldKey(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// fieldKey is the name in a field's yaml tag; a field without one is not in the
// file.
func fieldKey(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

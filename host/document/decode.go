package document

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decode sets into from a node. at is the place of the key, which stands for
// the value too where the value is more than a scalar.
func (d *Document) decode(n ast.Node, at place, key string, into reflect.Value) *Error {
	d.places[key] = at
	if n.Type() == ast.NullType {
		return nil // no value: into keeps what it holds
	}
	if into.Kind() == reflect.Pointer { // to tell a key that is absent from one with a zero value
		value := reflect.New(into.Type().Elem())
		err := d.decode(n, at, key, value.Elem())
		into.Set(value)
		return err
	}
	if refused := unplain(n); refused != "" {
		return d.error(start(n), key, "%s, accepted: %s", refused, accepted(into.Type()))
	}
	text, scalar := scalarText(n)
	if scalar {
		at = start(n)
		d.places[key] = at
	}
	wrong := func() *Error {
		return d.error(at, key, "%s, accepted: %s", kind(n), accepted(into.Type()))
	}

	if parse, ok := parsers[into.Type()]; ok {
		if !scalar {
			return wrong()
		}
		value, err := parse(text)
		if err != nil {
			return d.error(at, key, "%v", err)
		}
		into.Set(reflect.ValueOf(value))
		return nil
	}
	if value, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if !scalar {
			return wrong()
		}
		if err := value.UnmarshalText([]byte(text)); err != nil {
			return d.error(at, key, "%v", err)
		}
		return nil
	}

	switch into.Kind() {
	case reflect.Struct:
		if m, ok := n.(*ast.MappingNode); ok {
			return d.decodeStruct(m, key, into)
		}
	case reflect.Map:
		if m, ok := n.(*ast.MappingNode); ok {
			return d.decodeMap(m, key, into)
		}
	case reflect.Slice:
		if s, ok := n.(*ast.SequenceNode); ok {
			return d.decodeSlice(s, key, into)
		}
	case reflect.String:
		if n.Type() == ast.StringType || n.Type() == ast.LiteralType {
			into.SetString(text)
			return nil
		}
		if scalar {
			// A version such as 1.10 or a name such as no would change on its
			// way through a number or a bool.
			return d.error(at, key, "%s without quotes is %s, accepted: a string, such as %q", text, kind(n), text)
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			into.SetBool(b.Value)
			return nil
		}
		if scalar {
			return d.error(at, key, "%s is not a bool, accepted: %s", Quote(text), accepted(into.Type()))
		}
	case reflect.Int:
		// As it would be printed: 010 is 8 to some readers of YAML and 10 to others.
		number, err := strconv.Atoi(text)
		if _, ok := n.(*ast.IntegerNode); ok && err == nil && strconv.Itoa(number) == text {
			into.SetInt(int64(number))
			return nil
		}
	default:
		panic(fmt.Sprintf("document: cannot decode into %v", into.Type()))
	}
	return wrong()
}

func (d *Document) decodeStruct(m *ast.MappingNode, key string, into reflect.Value) *Error {
	return d.eachPair(m, key, into.Type(), func(name string, n ast.Node, at place) *Error {
		for i := range into.NumField() {
			if name != "" && name == fieldKey(into.Type().Field(i)) {
				return d.decode(n, at, join(key, name), into.Field(i))
			}
		}
		if d.lenient {
			d.unknown = append(d.unknown, join(key, name))
			return nil
		}
		return d.error(at, join(key, name), "unknown key, accepted: %s", strings.Join(fieldKeys(into.Type()), ", "))
	})
}

func (d *Document) decodeMap(m *ast.MappingNode, key string, into reflect.Value) *Error {
	values := reflect.MakeMapWithSize(into.Type(), len(m.Values))
	err := d.eachPair(m, key, into.Type(), func(name string, n ast.Node, at place) *Error {
		value := reflect.New(into.Type().Elem()).Elem()
		if n.Type() == ast.NullType {
			return d.error(at, join(key, name), "no value, accepted: %s", accepted(value.Type()))
		}
		if err := d.decode(n, at, join(key, name), value); err != nil {
			return err
		}
		values.SetMapIndex(reflect.ValueOf(name), value)
		return nil
	})
	if err != nil {
		return err
	}
	into.Set(values)
	return nil
}

func (d *Document) decodeSlice(s *ast.SequenceNode, key string, into reflect.Value) *Error {
	values := reflect.MakeSlice(into.Type(), len(s.Values), len(s.Values))
	for i, n := range s.Values {
		item := fmt.Sprintf("%s[%d]", key, i)
		if n.Type() == ast.NullType {
			return d.error(start(n), item, "no value, accepted: %s", accepted(into.Type().Elem()))
		}
		if err := d.decode(n, start(n), item, values.Index(i)); err != nil {
			return err
		}
	}
	into.Set(values)
	return nil
}

// eachPair calls f for the pairs of a mapping, in the order of the file, once
// their keys are known to be strings that occur once.
func (d *Document) eachPair(m *ast.MappingNode, key string, into reflect.Type, f func(name string, n ast.Node, at place) *Error) *Error {
	first := map[string]place{}
	for _, pair := range m.Values {
		at := start(pair.Key)
		if refused := unplain(pair.Key); refused != "" {
			return d.error(at, key, "%s, accepted: %s", refused, accepted(into))
		}
		n, ok := pair.Key.(*ast.StringNode)
		if !ok {
			text := pair.Key.GetToken().Value
			return d.error(at, join(key, text), "%s as a key, accepted: a string, such as %s", kind(pair.Key), Quote(text))
		}
		if before, ok := first[n.Value]; ok {
			return d.error(at, join(key, n.Value), "duplicate key, first on line %d", before.line)
		}
		first[n.Value] = at
		if err := f(n.Value, pair.Value, at); err != nil {
			return err
		}
	}
	return nil
}

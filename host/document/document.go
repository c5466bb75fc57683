// Package document reads the YAML files that people write for snatd: strictly,
// and with errors that say where in which file, and what is accepted there.
//
// It knows YAML and how single values are written (addresses, CIDRs); what the
// keys of a file mean is known to the package that owns the file. It is the
// only importer of github.com/goccy/go-yaml, and uses its parser alone: the
// library's own decoding converts numbers to strings, takes the last of two
// equal keys and speaks of Go types.
//
// The dialect is the plain part of YAML: one document, mappings, lists and
// scalars. Anchors, aliases, merge keys and tags are refused, which also makes
// every file as small as it looks.
package document

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/snatd/snatd/host/file"
)

// Limit is the size in bytes that a file may have unless its owner says
// otherwise.
const Limit = 1 << 20

// maxDepth bounds how deep lists and mappings may be nested: the parser needs
// time that grows with its square, and stack that grows with it.
const maxDepth = 32

// Document is one parsed file.
type Document struct {
	name   string
	root   ast.Node // nil if the file is empty
	places map[string]place

	lenient bool     // leaves out keys that are not known
	unknown []string // those
}

// place is where a key or its value stands; lines and columns count from 1.
type place struct{ line, column int }

// Load reads and parses a regular file of at most limit bytes. A file that
// cannot be read is an *fs.PathError, everything else an *Error.
func Load(path string, limit int) (*Document, error) {
	data, err := file.Read(path, limit)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, limit)
}

// Empty says whether there is nothing in the document.
func (d *Document) Empty() bool { return d.root == nil }

// Decode parses data of at most Limit bytes and decodes it; see Parse and
// Document.Decode. It suits files without rules that span several keys.
func Decode(name string, data []byte, into any) error {
	doc, err := Parse(name, data, Limit)
	if err != nil {
		return err
	}
	return doc.Decode(into)
}

// Parse parses data; name is the file that errors speak of. Every error is an
// *Error.
func Parse(name string, data []byte, limit int) (*Document, error) {
	doc := &Document{name: name, places: map[string]place{}}
	if len(data) > limit {
		return nil, doc.error(place{}, "", "larger than %d bytes", limit)
	}
	if at, ok := invalidUTF8(data); ok {
		return nil, doc.error(at, "", "not text, accepted: YAML in UTF-8")
	}
	// Windows editors write a byte order mark, which would be part of a key.
	text := strings.TrimPrefix(string(data), "\ufeff")
	tokens := lexer.Tokenize(text)
	if at, ok := tooDeep(tokens); ok {
		return nil, doc.error(at, "", "nested deeper than %d lists and mappings", maxDepth)
	}
	// Equal keys are reported by Decode, which can say where the first stands.
	parsed, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, doc.syntaxError(err)
	}
	for _, d := range parsed.Docs {
		if d.Body == nil || d.Body.Type() == ast.DirectiveType {
			continue
		}
		if doc.root != nil {
			return nil, doc.error(start(d.Body), "", "a second document, accepted: one document in a file")
		}
		doc.root = d.Body
	}
	return doc, nil
}

// Decode fills the struct that into points to, by the names in its yaml tags.
// Fields whose keys are absent, or present without a value, keep what they
// hold, so that into may carry the defaults. Fields may be structs, slices, maps
// with string keys, strings, bools, ints (in decimal), netip.Prefix (an IPv4 CIDR, see ParseCIDR),
// netip.Addr (see ParseAddr), and any encoding.TextUnmarshaler; the errors of
// the last should quote the value and say what is accepted.
//
// An unknown key, a key given twice and a value of another kind are errors, all
// of type *Error. Decode reports the first, in the order of the file.
func (d *Document) Decode(into any) error {
	if d.root == nil {
		return nil
	}
	at := place{1, 1}
	if err := d.decode(d.root, at, "", reflect.ValueOf(into).Elem()); err != nil {
		return err
	}
	return nil
}

// DecodeKnown is Decode for files that snatd itself writes, which a newer version may have
// written: it leaves out what stands at keys that are not known, and returns these.
func (d *Document) DecodeKnown(into any) (unknown []string, err error) {
	d.lenient = true
	err = d.Decode(into)
	return d.unknown, err
}

// invalidUTF8 finds the first byte that is not UTF-8.
func invalidUTF8(data []byte) (place, bool) {
	at := place{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return at, true
		case r == '\n':
			at = place{at.line + 1, 1}
		default:
			at.column++
		}
		data = data[size:]
	}
	return place{}, false
}

// tooDeep finds the first token that nests deeper than maxDepth: brackets, and
// list entries within one line. Nesting by lines needs no bound of its own, as
// each level is indented further and the file's size is bounded.
func tooDeep(tokens token.Tokens) (place, bool) {
	flow, entries, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType:
			entries++
		}
		if flow > maxDepth || entries > maxDepth {
			return place{t.Position.Line, t.Position.Column}, true
		}
	}
	return place{}, false
}

// start is where a node begins. A mapping's own token is the colon of its first
// key.
func start(n ast.Node) place {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	p := n.GetToken().Position
	return place{p.Line, p.Column}
}

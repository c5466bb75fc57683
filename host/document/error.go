package document

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

// Error is one thing wrong in a file. It prints on one line as
// "FILE:LINE:COLUMN: KEY: MESSAGE", without the parts that are not known.
type Error struct {
	File         string
	Line, Column int    // from 1; 0 if the error has no place
	Key          string // such as "snat.mark" or "pods[2].ip"; "" for the file as a whole
	Message      string // what is wrong, and what is accepted
}

func (e *Error) Error() string {
	var parts []string
	switch {
	case e.File != "" && e.Line > 0:
		parts = append(parts, fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column))
	case e.File != "":
		parts = append(parts, e.File)
	}
	if e.Key != "" {
		parts = append(parts, e.Key)
	}
	return strings.Join(append(parts, e.Message), ": ")
}

// Errorf is an *Error at a key of a decoded document, for rules that span keys
// or that the type of a value does not carry. Keys are written as in Error.Key.
// A key that is not in the file has the place of the nearest one around it. The
// nil Document is a source without a file: its errors carry the key alone.
func (d *Document) Errorf(key, format string, args ...any) error {
	if d == nil {
		return &Error{Key: key, Message: fmt.Sprintf(format, args...)}
	}
	near := key
	for near != "" {
		if _, ok := d.places[near]; ok {
			break
		}
		near = near[:max(0, strings.LastIndexAny(near, ".["))]
	}
	return d.error(d.places[near], key, format, args...)
}

// Line is where a key of a decoded document stands; 0 if it is not in the file.
func (d *Document) Line(key string) int { return d.places[key].line }

func (d *Document) error(at place, key, format string, args ...any) *Error {
	return &Error{File: d.name, Line: at.line, Column: at.column, Key: key, Message: fmt.Sprintf(format, args...)}
}

// syntaxError keeps what the parser's error says, and drops its copy of the
// source.
func (d *Document) syntaxError(err error) *Error {
	at, text := place{}, err.Error()
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		text = positioned.GetMessage()
		if t := positioned.GetToken(); t != nil && t.Position != nil {
			at = place{t.Position.Line, t.Position.Column}
		}
	}
	text = strings.ReplaceAll(text, "\t", `\t`)
	return d.error(at, "", "not YAML: %s", strings.Join(strings.Fields(text), " "))
}

// Quote is how errors show a value that someone wrote: on one line, and cut
// where it is long.
func Quote(value string) string {
	const most = 64
	if len(value) > most {
		return strconv.Quote(strings.ToValidUTF8(value[:most], "")) + "..."
	}
	return strconv.Quote(value)
}

// join is the key of a value inside the mapping parent.
func join(parent, key string) string {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if key == "" || len(key) > 64 || strings.ContainsFunc(key, odd) {
		key = Quote(key)
	}
	if parent == "" {
		return key
	}
	return parent + "." + key
}

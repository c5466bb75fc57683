package excludebylabel

import (
	"errors"
	"strconv"
	"strings"
)

// selector is which pods are meant: those with a label, whatever its value or
// with one value.
type selector struct {
	key      string
	value    string
	anyValue bool
}

// parseSelector parses key or key=value. It accepts what Kubernetes accepts as a
// label, so that what no pod can have is an error, and not a silence.
func parseSelector(text string) (selector, error) {
	if text == "" {
		return selector{}, errors.New(`missing or empty, want key or key=value, such as "example.com/egress=own-address"`)
	}
	key, value, hasValue := strings.Cut(text, "=")
	name := key
	if prefix, rest, ok := strings.Cut(key, "/"); ok {
		name = rest
		if !isName(prefix, 253) {
			return selector{}, errLabel(text)
		}
	}
	if !isName(name, 63) || value != "" && !isName(value, 63) {
		return selector{}, errLabel(text)
	}
	return selector{key, value, !hasValue}, nil
}

func errLabel(text string) error {
	return errors.New(strconv.Quote(text) + ` is not a label, want key or key=value, such as "example.com/egress=own-address"`)
}

// isName says whether text can be a part of a label: letters, digits and, inside,
// "-", "_" and ".".
func isName(text string, longest int) bool {
	if text == "" || len(text) > longest {
		return false
	}
	for i := range len(text) {
		inside := i > 0 && i < len(text)-1
		if !isAlphanumeric(text[i]) && (!inside || strings.IndexByte("-_.", text[i]) < 0) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func (s selector) accepts(value string) bool {
	return s.anyValue || value == s.value
}

// String is the selector as in the sidecar file.
func (s selector) String() string {
	if s.anyValue {
		return s.key
	}
	return s.key + "=" + s.value
}

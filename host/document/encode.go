package document

import (
	"encoding/json"
	"net/netip"
	"regexp"

	"github.com/goccy/go-yaml"
)

// Encode writes a value as a document that Decode reads back as the same value,
// by the names in its yaml tags.
func Encode(value any) ([]byte, error) {
	return yaml.MarshalWithOptions(value, yaml.CustomMarshaler(quote), yaml.CustomMarshaler(address))
}

// plain are strings that need no quotes; the library itself quotes those of them
// that look like another type.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9./_-]*$`)

// quote writes every other string as JSON does, which is YAML too: the library
// writes tabs and other control characters as they are, and reads them otherwise.
func quote(text string) ([]byte, error) {
	if plain.MatchString(text) {
		return yaml.Marshal(text)
	}
	return json.Marshal(text)
}

// address writes the zero address as no value.
func address(addr netip.Addr) ([]byte, error) {
	if !addr.IsValid() {
		return []byte("null"), nil
	}
	return []byte(addr.String()), nil
}

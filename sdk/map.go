package sdk

import (
	"slices"
	"strings"
)

// Map is a Source for unit tests: the value of each fact by its key. List
// encodes values that are lists.
type Map map[string]string

// Fact implements Source.
func (m Map) Fact(key string) (string, bool) {
	value, ok := m[key]
	return value, ok
}

// FactKeys implements Source.
func (m Map) FactKeys(prefix string) []string {
	var keys []string
	for key := range m {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

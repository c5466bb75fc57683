package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// config is a module's settings as facts: values by full key.
type config struct {
	values map[string]string
	keys   []string // sorted
}

// newConfig checks that settings can be facts: within the limits, valid UTF-8,
// and without NUL, which ends the items of lists.
func newConfig(settings map[string]string) (config, error) {
	c := config{values: make(map[string]string, len(settings))}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		key, value := abi.KeyConfig+name, settings[name]
		switch {
		case name == "":
			return config{}, fmt.Errorf("config: an empty key; accepted: a name")
		case len(key) > abi.MaxKey:
			return config{}, fmt.Errorf("config: a key of %d bytes; accepted: at most %d", len(name), abi.MaxKey-len(abi.KeyConfig))
		case len(value) > abi.MaxValue:
			return config{}, fmt.Errorf("config: %s has %d bytes; accepted: at most %d", name, len(value), abi.MaxValue)
		case !utf8.ValidString(key) || !utf8.ValidString(value) || strings.ContainsRune(key, 0):
			return config{}, fmt.Errorf("config: %q is not text; accepted: UTF-8, and no NUL in keys", name)
		}
		c.values[key] = value
		c.keys = append(c.keys, key)
	}
	return c, nil
}

// overlay is a source whose facts config.<key> are those of one module; those
// of the source are never seen.
type overlay struct {
	facts  sdk.Source
	config config
}

func (o overlay) Fact(key string) (string, bool) {
	if isConfig(key) {
		value, ok := o.config.values[key]
		return value, ok
	}
	return o.facts.Fact(key)
}

func (o overlay) FactKeys(prefix string) []string {
	if n := min(len(prefix), len(abi.KeyConfig)); prefix[:n] != abi.KeyConfig[:n] {
		return o.facts.FactKeys(prefix) // no key of the configuration can match
	}
	keys := slices.DeleteFunc(slices.Clone(o.facts.FactKeys(prefix)), isConfig)
	for _, key := range o.config.keys {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func isConfig(key string) bool { return strings.HasPrefix(key, abi.KeyConfig) }

// splitKeys decodes a list of keys.
func splitKeys(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(list, "\x00"), "\x00")
}

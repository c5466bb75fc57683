package sdk

import (
	"errors"
	"net/netip"
	"strconv"
)

// Facts reads the facts about the current subject. The accessors in
// facts_gen.go decode them; Fact and FactKeys of the Source give the text.
type Facts struct{ Source }

func (f Facts) boolean(key string) (bool, error) {
	value, ok := f.Fact(key)
	switch {
	case !ok || value == "false":
		return false, nil
	case value == "true":
		return true, nil
	}
	return false, errFact(key, strconv.Quote(value)+` is not a bool, want "true" or "false"`)
}

func (f Facts) address(key string) (netip.Addr, bool, error) {
	value, ok := f.Fact(key)
	if !ok {
		return netip.Addr{}, false, nil
	}
	address, err := ParseAddress(value)
	if err != nil {
		return netip.Addr{}, false, errFact(key, err.Error())
	}
	return address, true, nil
}

func (f Facts) prefixes(key string) ([]netip.Prefix, bool, error) {
	value, ok := f.Fact(key)
	if !ok {
		return nil, false, nil
	}
	items, err := splitList(value)
	if err != nil {
		return nil, false, errFact(key, err.Error())
	}
	prefixes := make([]netip.Prefix, 0, len(items))
	for _, item := range items {
		prefix, err := ParsePrefix(item)
		if err != nil {
			return nil, false, errFact(key, err.Error())
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, true, nil
}

// keys returns what follows prefix in the keys that begin with it.
func (f Facts) keys(prefix string) []string {
	keys := f.FactKeys(prefix)
	rest := make([]string, len(keys))
	for i, key := range keys {
		rest[i] = key[len(prefix):]
	}
	return rest
}

func errFact(key, problem string) error {
	return errors.New("fact " + key + ": " + problem)
}

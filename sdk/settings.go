package sdk

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// CheckSettings returns an error if the sidecar file has a setting under config
// that is none of these: what is mistyped would be ignored.
func (f Facts) CheckSettings(settings ...string) error {
	for _, key := range f.ConfigKeys() {
		if !slices.Contains(settings, key) {
			return errors.New("config " + strconv.Quote(key) + " is not a setting, want " + either(settings))
		}
	}
	return nil
}

// ConfigPrefixes parses a setting that must be there: at least one IPv4 prefix, in
// a list as ParsePrefixes takes it. The error names the setting, and says what
// would be accepted.
func (f Facts) ConfigPrefixes(setting string) ([]netip.Prefix, error) {
	text, _ := f.Config(setting)
	prefixes, err := ParsePrefixes(text)
	if err != nil {
		return nil, errors.New("config " + setting + ": " + err.Error())
	}
	if len(prefixes) == 0 {
		return nil, errors.New("config " + setting + `: missing or empty, want IPv4 prefixes such as "10.1.0.0/16, 192.168.0.0/24"`)
	}
	return prefixes, nil
}

// Words splits a setting that is a list: its items are separated by commas, white
// space or both. A text without any is an empty list.
func Words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// either is "a, b or c".
func either(items []string) string {
	if len(items) == 0 {
		return "none"
	}
	first, last := items[:len(items)-1], items[len(items)-1]
	if len(first) == 0 {
		return last
	}
	return strings.Join(first, ", ") + " or " + last
}

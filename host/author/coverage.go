package author

import (
	"maps"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// Coverage is what test cases show of a module. Keys that were listed end in *.
type Coverage struct {
	Read []string `json:"read"`
	// Absent were read, and are in no case: what the module does with them is not tested.
	Absent []string `json:"absent"`
	// Idle are globs that the module declares, of which no case has it read any.
	Idle []string `json:"idle"`
	// Unread are facts and settings of the cases that the module has not read.
	Unread []string `json:"unread"`
	// Mistyped says of keys that no fact is called so.
	Mistyped []string `json:"mistyped"`
}

// coverage collects Coverage.
type coverage struct {
	reads    map[policy.Read]bool // without values
	there    map[string]bool      // facts of the cases; true for settings that may have been read
	unknown  map[string]bool
	declared []string
}

func newCoverage() *coverage {
	return &coverage{reads: map[policy.Read]bool{}, there: map[string]bool{}, unknown: map[string]bool{}}
}

// add adds a case: the facts and settings that there were, and what was read of them. If it
// failed there are notes alone, which have no settings.
func (c *coverage) add(facts sdk.Source, config map[string]string, notes notes, reads []policy.Read) {
	maps.Copy(c.unknown, notes.unknown)
	for _, r := range append(slices.Collect(maps.Keys(notes.read)), reads...) {
		r.Value = ""
		c.reads[r] = true
	}
	for _, key := range facts.FactKeys("") {
		c.there[key] = false
	}
	for name := range config {
		if key := abi.KeyConfig + name; !c.there[key] {
			c.there[key] = false
		}
	}
}

// settings takes all settings for read: what failed may have read any.
func (c *coverage) settings(config map[string]string) {
	for name := range config {
		c.there[abi.KeyConfig+name] = true
	}
}

// read says whether a key was read, or was in a list.
func (c *coverage) read(key string) bool {
	for r := range c.reads {
		if r.Key == key && !r.Listing || r.Listing && strings.HasPrefix(key, r.Key) {
			return true
		}
	}
	return false
}

func (c *coverage) report() Coverage {
	read, found := map[string]bool{}, map[string]bool{}
	for r := range c.reads {
		key := r.Key
		if r.Listing {
			key += "*"
		}
		read[key], found[key] = true, found[key] || r.Found
	}
	return Coverage{
		Read:     sorted(read, func(string) bool { return true }),
		Absent:   sorted(read, func(key string) bool { return !found[key] && !c.unknown[key] }),
		Idle:     append([]string{}, idle(c.declared, slices.Collect(maps.Keys(c.reads)))...),
		Unread:   sorted(c.there, func(key string) bool { return !c.there[key] && !c.read(key) }),
		Mistyped: append([]string{}, mistyped(c.unknown)...),
	}
}

// sorted are the keys of a set that are wanted; never nil.
func sorted(set map[string]bool, wanted func(string) bool) []string {
	list := []string{}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if wanted(key) {
			list = append(list, key)
		}
	}
	return list
}

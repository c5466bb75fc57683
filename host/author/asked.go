package author

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// asked is a source that notes what is asked. For a module keys that no fact has are
// absent facts, so that a mistyped one is no error anywhere.
type asked struct {
	sdk.Source
	notes
}

// notes are what was asked. A module's settings are not: the engine adds them.
type notes struct {
	unknown map[string]bool      // keys that no fact has
	read    map[policy.Read]bool // without values
}

func newNotes() notes { return notes{map[string]bool{}, map[policy.Read]bool{}} }

// Fact implements sdk.Source.
func (a asked) Fact(key string) (string, bool) {
	value, ok := a.Source.Fact(key)
	a.read[policy.Read{Key: key, Found: ok}] = true
	if !ok && !known(key, false) {
		a.unknown[key] = true
	}
	return value, ok
}

// FactKeys implements sdk.Source.
func (a asked) FactKeys(prefix string) []string {
	keys := a.Source.FactKeys(prefix)
	a.read[policy.Read{Key: prefix, Found: true, Listing: true}] = true
	if len(keys) == 0 && !known(prefix, true) {
		a.unknown[prefix] = true
	}
	return keys
}

// mistyped says of keys that no fact has what may be meant, of the first ones.
func mistyped(unknown map[string]bool) (texts []string) {
	const most = 5
	for i, key := range slices.Sorted(maps.Keys(unknown)) {
		if i == most {
			return append(texts, fmt.Sprintf("and so for %d more", len(unknown)-most))
		}
		texts = append(texts, suggestion(key))
	}
	return texts
}

// suggestion says of a key that no fact has what may be meant.
func suggestion(key string) string {
	if near := nearest(key); near != "" {
		return "no fact is called " + key + ", did you mean " + near + "?"
	}
	return "no fact is called " + key + ", sdk/FACTS.md lists those there are"
}

// known says whether there may be a fact of that key, or one that begins so.
func known(key string, beginning bool) bool {
	return slices.ContainsFunc(abi.Keys, func(known string) bool {
		return isKey(known, key) || beginning && strings.HasPrefix(known, key)
	})
}

// isKey says whether a key is the known one, or one of a known family's.
func isKey(known, key string) bool {
	return key == known || strings.HasSuffix(known, ".") && strings.HasPrefix(key, known)
}

// nearest is the key that is meant, if it is one that differs by a few letters.
func nearest(key string) (near string) {
	const most = 3
	least := most + 1
	for _, known := range abi.Keys {
		mine, rest := key, ""
		if strings.HasSuffix(known, ".") { // a family: the beginning with as many dots
			parts := strings.SplitAfterN(key, ".", strings.Count(known, ".")+1)
			mine, rest = strings.Join(parts[:len(parts)-1], ""), parts[len(parts)-1]
		}
		if d := distance(mine, known); d < least {
			near, least = known+rest, d
		}
	}
	return near
}

// distance is how many bytes must be added, removed or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0] // of the row above, one to the left
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

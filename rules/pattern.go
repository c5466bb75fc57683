package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxInterfaceName is Linux's IFNAMSIZ less the NUL.
const maxInterfaceName = 15

// CheckPattern accepts the name of an interface, or the beginning of names
// followed by "*". A lone "*" would also match the interfaces that pods are not
// behind, and nft refuses it.
func CheckPattern(pattern string) error {
	if pattern == "*" {
		return errors.New(`"*" matches every interface: accepted is a longer pattern such as "eni*"`)
	}
	return checkInterface(pattern, strings.TrimSuffix(pattern, "*"))
}

// CheckName accepts the name of one interface.
func CheckName(name string) error { return checkInterface(name, name) }

// checkInterface accepts what the kernel accepts as a name, in ASCII, and what
// needs no escape in nft's syntax. Letters is text without the star that it may
// end in.
func checkInterface(text, letters string) error {
	if text == "" {
		return errors.New(`"" is empty: accepted is a name such as "eth0"`)
	}
	if len(text) > maxInterfaceName {
		return fmt.Errorf("%q is too long: accepted are up to %d bytes", text, maxInterfaceName)
	}
	for i := range len(letters) {
		if c := letters[i]; c <= ' ' || c > '~' || strings.IndexByte(`*"'\/:`, c) >= 0 {
			return fmt.Errorf("%q contains %q: accepted is ASCII without spaces, quotes, "+
				"%q, %q, %q, and %q only at the end of a pattern", text, c, '\\', '/', ':', '*')
		}
	}
	return nil
}

// reducePatterns sorts patterns and drops those that another one covers, which
// the kernel would refuse as overlapping.
func reducePatterns(patterns []string) []string {
	sorted := slices.Compact(slices.Sorted(slices.Values(patterns)))
	return slices.DeleteFunc(slices.Clone(sorted), func(p string) bool {
		return slices.ContainsFunc(sorted, func(q string) bool { return q != p && covers(q, p) })
	})
}

// covers says whether wide matches every name that narrow matches.
func covers(wide, narrow string) bool {
	stem, wild := strings.CutSuffix(wide, "*")
	if !wild {
		return wide == narrow
	}
	return strings.HasPrefix(strings.TrimSuffix(narrow, "*"), stem)
}

// HasPods says whether pods are behind the interface of this name.
func (n Network) HasPods(name string) bool { return anyCovers(n.PodInterfaces, name) }

// Exempts says whether nothing is translated that leaves by the interface of this name.
func (n Network) Exempts(name string) bool { return anyCovers(n.ExemptInterfaces, name) }

func anyCovers(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, name) })
}

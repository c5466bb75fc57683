package dataplane

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// matchInterface encodes a match of an interface's name as nft does: one
// pattern is a comparison; several are a set without a name, which belongs to
// the rule and has to be in the transaction before it.
func (t *transaction) matchInterface(op nft.AddRule, key expr.MetaKey, match nft.InputInterface) ([]expr.Any, error) {
	if len(match.Patterns) == 0 {
		return nil, fmt.Errorf("match of an interface without a pattern")
	}
	for _, pattern := range match.Patterns {
		if name, _ := splitPattern(pattern); name == "" || len(name) >= unix.IFNAMSIZ {
			return nil, fmt.Errorf("interface %q: accepted is a name of 1 to %d characters, at its end a * for any others",
				pattern, unix.IFNAMSIZ-1)
		}
	}
	load := &expr.Meta{Key: key, Register: register}
	if len(match.Patterns) > 1 {
		set, elements := interfaceSet(op.Table, match.Patterns)
		if err := t.call(op, 2, func(c *nftables.Conn) error { return c.AddSet(set, elements) }); err != nil {
			return nil, err
		}
		// The library has given the set its name and number.
		lookup := &expr.Lookup{SourceRegister: register, SetName: set.Name, SetID: set.ID, Invert: match.Not}
		return []expr.Any{load, lookup}, nil
	}
	compare := &expr.Cmp{Op: expr.CmpOpEq, Register: register}
	if match.Not {
		compare.Op = expr.CmpOpNeq
	}
	name, prefix := splitPattern(match.Patterns[0])
	if compare.Data = []byte(name); !prefix {
		compare.Data = padded(name)
	}
	return []expr.Any{load, compare}, nil
}

// splitPattern tells a pattern's fixed part, and whether more may follow it.
func splitPattern(pattern string) (name string, prefix bool) {
	return strings.CutSuffix(pattern, "*")
}

// interfaceSet is the set of the names that patterns match: intervals in the
// order of the names' bytes. nft makes a set without intervals if no pattern
// has a prefix; the library cannot write that one's byte order so that nft
// would list it, and this one matches the same.
func interfaceSet(tableName string, patterns []string) (*nftables.Set, []nftables.SetElement) {
	set := &nftables.Set{
		Table: table(tableName), Anonymous: true, Constant: true, Interval: true, KeyType: nftables.TypeIFName,
	}
	// nft begins such a set with the end of what is in no interval.
	elements := []nftables.SetElement{{Key: padded(""), IntervalEnd: true}}
	for _, pattern := range slices.Sorted(slices.Values(patterns)) {
		name, prefix := splitPattern(pattern)
		fixed := unix.IFNAMSIZ
		if prefix {
			fixed = len(name)
		}
		elements = append(elements,
			nftables.SetElement{Key: padded(name)},
			nftables.SetElement{Key: successor(padded(name), fixed), IntervalEnd: true})
	}
	return set, elements
}

// padded is a name as the kernel compares it, with zeros to its full length.
func padded(name string) []byte {
	return append([]byte(name), bytes.Repeat([]byte{0}, unix.IFNAMSIZ-len(name))...)
}

// successor is the key after all those that agree with it in the first n
// bytes. Interface names never are all 0xff.
func successor(key []byte, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		if key[i]++; key[i] != 0 {
			break
		}
	}
	return key
}

package neighbour

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"
)

// element is one of a set or a map.
type element struct {
	key, keyEnd []byte // keyEnd is nil but in sets of concatenated ranges
	end         bool   // an interval ends before the key
	verdict     verdict
}

func elementOf(a attributes) element {
	const setElementKeyEnd = 10 // NFTA_SET_ELEM_KEY_END of linux/netfilter/nf_tables.h
	return element{
		key:     a.data(unix.NFTA_SET_ELEM_KEY),
		keyEnd:  a.data(setElementKeyEnd),
		end:     a.number(unix.NFTA_SET_ELEM_FLAGS)&unix.NFT_SET_ELEM_INTERVAL_END != 0,
		verdict: verdictOf(a.in(unix.NFTA_SET_ELEM_DATA)),
	}
}

// find returns the element that a value is in.
func find(elements []element, value []byte) (element, bool) {
	if slices.ContainsFunc(elements, func(e element) bool { return e.end }) {
		return findInterval(elements, value)
	}
	for _, e := range elements {
		if bytes.Equal(e.key, value) || e.keyEnd != nil && between(e.key, e.keyEnd, value) {
			return e, true
		}
	}
	return element{}, false
}

// findInterval is find where each element begins or ends an interval.
func findInterval(elements []element, value []byte) (found element, ok bool) {
	for _, e := range elements {
		if bytes.Compare(e.key, value) > 0 {
			continue
		}
		// Where one ends and the next begins, the beginning counts.
		if order := bytes.Compare(e.key, found.key); !ok || order > 0 || order == 0 && !e.end {
			found, ok = e, true
		}
	}
	return found, ok && !found.end
}

// between tells that each 4 bytes of a value are in their range: addresses and numbers of a
// concatenation are that long.
func between(first, last, value []byte) bool {
	if len(first) != len(value) || len(last) != len(value) {
		return false
	}
	for i := 0; i < len(value); i += 4 {
		to := min(i+4, len(value))
		if bytes.Compare(value[i:to], first[i:to]) < 0 || bytes.Compare(value[i:to], last[i:to]) > 0 {
			return false
		}
	}
	return true
}

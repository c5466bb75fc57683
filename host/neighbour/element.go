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

// find returns the element that a value is in, if that is the same for all packets, and
// for how many of them there is one.
func (p *packet) find(elements []element, v value) (found element, share extent) {
	if slices.ContainsFunc(elements, func(e element) bool { return e.end }) {
		switch v.sure() {
		case known:
			found, ok := findInterval(elements, v.bytes(len(elements[0].key)))
			return found, whether(ok)
		case unclear:
			return element{}, none
		}
		return element{}, some
	}
	for _, e := range elements {
		last := e.keyEnd
		if last == nil {
			last = e.key
		}
		switch p.within(v, e.key, last) {
		case all:
			return e, all
		case some:
			share = some
		}
	}
	return element{}, share
}

// findInterval is find for a known value, where each element begins or ends an interval.
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

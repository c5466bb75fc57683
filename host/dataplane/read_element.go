package dataplane

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/rules/nft"
)

// Attributes of elements, and the flag of one that stands for all others, beside those
// that x/sys knows, from linux/netfilter/nf_tables.h.
const (
	elementKeyEnd      = 10
	elementExpressions = 11
	elementCatchAll    = 1 << 1
)

// heldElement is an element as the kernel keeps it: in a map of intervals, one end of
// an interval.
type heldElement struct {
	key   []byte
	end   bool // the key is the first after an interval
	data  []byte
	more  bool // it has what snatd never gives an element
	whole bool // it stands for other keys than its own
}

func decodeElement(data []byte) (e heldElement) {
	for kind, value := range attribute.All(data) {
		switch kind {
		case unix.NFTA_SET_ELEM_KEY:
			e.key = attribute.Get(value, unix.NFTA_DATA_VALUE)
		case unix.NFTA_SET_ELEM_DATA:
			e.data = value
		case unix.NFTA_SET_ELEM_FLAGS:
			e.end = bigEndian(value)&unix.NFT_SET_ELEM_INTERVAL_END != 0
			e.whole = e.whole || bigEndian(value)&elementCatchAll != 0
		case elementKeyEnd:
			e.whole = true
		case unix.NFTA_SET_ELEM_TIMEOUT, unix.NFTA_SET_ELEM_EXPR, unix.NFTA_SET_ELEM_OBJREF, elementExpressions:
			e.more = true
		}
	}
	return e
}

// dumpElements lists the elements of a set, sorted by key: an end stands before a
// beginning at the same key.
func (s *socket) dumpElements(table, set string) ([]heldElement, error) {
	var all []heldElement
	request := []netlink.Attribute{name(unix.NFTA_SET_ELEM_LIST_TABLE, table), name(unix.NFTA_SET_ELEM_LIST_SET, set)}
	err := s.dump(unix.NFT_MSG_GETSETELEM, table, request, func(object attributes) {
		for _, value := range attribute.All(object[unix.NFTA_SET_ELEM_LIST_ELEMENTS]) {
			all = append(all, decodeElement(value))
		}
	})
	slices.SortStableFunc(all, func(a, b heldElement) int {
		order := bytes.Compare(a.key, b.key)
		switch {
		case order == 0 && a.end && !b.end:
			return -1
		case order == 0 && b.end && !a.end:
			return 1
		}
		return order
	})
	return all, err
}

// readElements is the inverse of addElements. A map whose elements snatd could not
// have added, so that it could not delete them one by one, is Other.
func (s *socket) readElements(table string, m *nft.Map) error {
	all, err := s.dumpElements(table, m.Name)
	if err != nil {
		return err
	}
	open := false // the last of m.Elements has no end yet
	for _, e := range all {
		key, ok := netip.AddrFromSlice(e.key)
		switch {
		case e.whole, !ok, e.end && !open && !key.IsUnspecified(), !e.end && open:
			// nft begins intervals with the end of what is in none.
			m.Other, m.Elements = "elements of another form", nil
			return nil
		case e.end && open:
			m.Elements[len(m.Elements)-1].Last = key.Prev()
			open = false
		case !e.end:
			m.Elements, open = append(m.Elements, e.decode(key, m.Addresses)), m.Interval
		}
	}
	if open {
		m.Elements[len(m.Elements)-1].Last = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	return nil
}

// decode gives the element of the one address key.
func (e heldElement) decode(key netip.Addr, addresses bool) nft.Element {
	element := nft.Element{First: key, Last: key}
	switch {
	case e.more:
		element.Verdict.Kind = "unknown" // so that it equals no other
	case addresses:
		element.Address, _ = netip.AddrFromSlice(attribute.Get(e.data, unix.NFTA_DATA_VALUE))
	default:
		element.Verdict = decodeVerdict(attribute.Get(e.data, unix.NFTA_DATA_VERDICT))
	}
	return element
}

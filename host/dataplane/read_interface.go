package dataplane

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"
)

// isInterfaceSet says whether a set is one of names of interfaces, by what matters to
// the kernel: a set like interfaceSet's, or without intervals, as nft makes it if
// there is no pattern.
func isInterfaceSet(set attributes) bool {
	const may = unix.NFT_SET_ANONYMOUS | unix.NFT_SET_CONSTANT | unix.NFT_SET_INTERVAL
	return set.number(unix.NFTA_SET_FLAGS)&^may == 0 && set.number(setKeyLength) == unix.IFNAMSIZ &&
		set[setObject] == nil && set[setExpression] == nil && set[setExpressions] == nil
}

// readInterfaces is the inverse of interfaceSet: the sorted patterns; none if they
// cannot be told.
func (s *socket) readInterfaces(table string, set attributes) ([]string, error) {
	all, err := s.dumpElements(table, set.text(unix.NFTA_SET_NAME))
	if err != nil {
		return nil, err
	}
	interval := set.number(unix.NFTA_SET_FLAGS)&unix.NFT_SET_INTERVAL != 0
	var patterns []string
	for i, e := range all {
		switch {
		case e.more || e.whole || len(e.key) != unix.IFNAMSIZ:
			return nil, nil
		case !interval:
			patterns = append(patterns, unix.ByteSliceToString(e.key))
		case !e.end && i+1 < len(all) && all[i+1].end:
			patterns = append(patterns, pattern(e.key, all[i+1].key))
		case !e.end:
			return nil, nil // up to the last name there is
		}
	}
	slices.Sort(patterns)
	return patterns, nil
}

// pattern is the one whose names are those from first until after; empty if there is
// none.
func pattern(first, after []byte) string {
	name := unix.ByteSliceToString(first)
	switch {
	case bytes.Equal(after, successor(padded(name), unix.IFNAMSIZ)):
		return name
	case bytes.Equal(after, successor(padded(name), len(name))):
		return name + "*"
	}
	return ""
}

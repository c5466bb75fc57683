package rules

import "net/netip"

// Verdict maps have no longest-prefix match, and the kernel refuses elements
// that overlap. So everything that is nested in a policy is made flat here:
// first one module's prefixes, then the modules one under the other.

// flatten makes the spans of one module disjoint: of those that cover an
// address the narrowest stays. Its input is sorted by sortSpans, and such that
// two spans are disjoint or one is inside the other, as prefixes are.
func flatten(nested []span) []span {
	var (
		flat []span
		open []span // the spans that the sweep is inside of, the widest first
		next uint64 // the first address that is not in flat, if one is open
	)
	// closeUntil ends the open spans that end before address first.
	closeUntil := func(first uint64) {
		for len(open) > 0 {
			top := open[len(open)-1]
			if uint64(top.last) >= first {
				return
			}
			if next <= uint64(top.last) {
				flat = push(flat, span{uint32(next), top.last, top.ruling})
				next = uint64(top.last) + 1
			}
			open = open[:len(open)-1]
		}
	}
	for _, s := range nested {
		first := uint64(s.first)
		closeUntil(first)
		if len(open) > 0 && next < first {
			flat = push(flat, span{uint32(next), s.first - 1, open[len(open)-1].ruling})
		}
		next = first
		open = append(open, s)
	}
	closeUntil(lastAddress + 1)
	return flat
}

// overlay puts lower where upper has nothing. Both are disjoint and sorted, and
// so is the result.
func overlay(upper, lower []span) []span {
	if len(upper) == 0 {
		return lower
	}
	// An upper span can split a lower one in two.
	all := make([]span, 0, 2*len(upper)+len(lower))
	next := uint64(0) // the first address that is not decided yet
	// fill takes from lower what lies before address end.
	fill := func(end uint64) {
		for len(lower) > 0 && uint64(lower[0].first) < end {
			s := lower[0]
			if first, last := max(uint64(s.first), next), min(uint64(s.last), end-1); first <= last {
				all = push(all, span{uint32(first), uint32(last), s.ruling})
			}
			if uint64(s.last) >= end {
				return
			}
			lower = lower[1:]
		}
	}
	for _, s := range upper {
		fill(uint64(s.first))
		all = push(all, s)
		next = uint64(s.last) + 1
	}
	fill(lastAddress + 1)
	return all
}

// uncovered returns the first address that no span has.
func uncovered(flat []span) (netip.Addr, bool) {
	next := uint64(0)
	for _, s := range flat {
		if uint64(s.first) != next {
			break
		}
		next = uint64(s.last) + 1
	}
	if next > lastAddress {
		return netip.Addr{}, false
	}
	return address(uint32(next)), true
}

package rules

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"slices"
)

// span is an Interval with addresses as numbers, which can be counted and
// compared at no cost; the compiler works on these.
type span struct {
	first, last uint32
	ruling
}

// ruling is an outcome, and the label of the module that decided so.
type ruling struct {
	outcome Outcome
	module  string
}

const lastAddress = math.MaxUint32

func spanOf(p netip.Prefix, r ruling) span {
	first := number(p.Addr())
	// A shift by 32, for a single address, gives 0 in Go.
	return span{first, first | lastAddress>>p.Bits(), r}
}

// prefix is the inverse of spanOf.
func (s span) prefix() netip.Prefix {
	return netip.PrefixFrom(address(s.first), bits.LeadingZeros32(s.first^s.last))
}

// size is how many addresses the span has, up to 2^32.
func (s span) size() uint64 { return uint64(s.last) - uint64(s.first) + 1 }

// sortSpans puts a span before those inside it. Spans that are equal but for the
// outcome stay in their order.
func sortSpans(spans []span) {
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.last, a.last))
	})
}

// ruling is what happens to every destination outside of the intervals.
func (c Class) ruling() ruling { return ruling{c.Default, c.Module} }

func (i *Interval) ruling() ruling { return ruling{i.Outcome, i.Module} }

// spans are the class's rulings for every destination.
func (c Class) spans() []span {
	all := make([]span, 0, 2*len(c.Intervals)+1)
	next := uint64(0)
	for _, i := range c.Intervals {
		first, last := number(i.First), number(i.Last)
		if next < uint64(first) {
			all = append(all, span{uint32(next), first - 1, c.ruling()})
		}
		all = append(all, span{first, last, i.ruling()})
		next = uint64(last) + 1
	}
	if next <= lastAddress {
		all = append(all, span{uint32(next), lastAddress, c.ruling()})
	}
	return all
}

// inStep goes through two lists of spans that cover every address, and visits the parts
// in which neither changes.
func inStep(one, other []span, visit func(first, last uint32, a, b ruling)) {
	for next := uint64(0); next <= lastAddress; {
		a, b := one[0], other[0]
		last := min(a.last, b.last)
		visit(uint32(next), last, a.ruling, b.ruling)
		if a.last == last {
			one = one[1:]
		}
		if b.last == last {
			other = other[1:]
		}
		next = uint64(last) + 1
	}
}

// push appends a span that lies behind all others, as a part of the last one if
// it continues that with the same ruling.
func push(spans []span, s span) []span {
	if n := len(spans); n > 0 && spans[n-1].ruling == s.ruling && spans[n-1].last+1 == s.first {
		spans[n-1].last = s.last
		return spans
	}
	return append(spans, s)
}

// withoutModules leaves out which modules decided.
func withoutModules(flat []span) (all []span) {
	for _, s := range flat {
		s.module = ""
		all = push(all, s)
	}
	return all
}

func number(a netip.Addr) uint32 {
	octets := a.As4()
	return binary.BigEndian.Uint32(octets[:])
}

func address(n uint32) netip.Addr {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], n)
	return netip.AddrFrom4(octets)
}

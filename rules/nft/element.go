package nft

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// String gives the element as nft prints it: a single address, a prefix if the
// addresses are exactly one, or else both ends; then what the element holds.
func (e Element) String() string {
	if e.Address.IsValid() {
		return e.key() + " : " + e.Address.String()
	}
	return e.key() + " : " + e.Verdict.String()
}

func (e Element) key() string {
	if e.First == e.Last {
		return e.First.String()
	}
	first, last := number(e.First), number(e.Last)
	// A prefix differs between its ends in the host bits only: all of them
	// unset at the first address, all of them set at the last.
	host := first ^ last
	if host&(host+1) == 0 && first&host == 0 {
		return e.First.String() + "/" + strconv.Itoa(bits.LeadingZeros32(host))
	}
	return e.First.String() + "-" + e.Last.String()
}

func number(a netip.Addr) uint32 {
	octets := a.As4()
	return binary.BigEndian.Uint32(octets[:])
}

// writeElements writes one element a line, so that a listing of thousands can
// be read and compared line by line.
func writeElements(b *strings.Builder, indent string, elements []Element) {
	for i, e := range elements {
		b.WriteString(indent)
		b.WriteString(e.String())
		if i < len(elements)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
}

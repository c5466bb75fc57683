package routespolicy

import (
	"encoding/binary"
	"net/netip"
)

// networks are IPv4 prefixes with a text for each. The keys are numbers, because
// there may be thousands, and a module has a budget of function calls.
type networks struct {
	why     map[uint64]string // by key
	lengths [33]bool          // those that prefixes have
}

func newNetworks(size int) *networks {
	return &networks{why: make(map[uint64]string, size)}
}

// add adds prefixes; one that is there keeps its text.
func (n *networks) add(why string, prefixes ...netip.Prefix) {
	for _, prefix := range prefixes {
		k := key(prefix.Addr(), prefix.Bits())
		if _, ok := n.why[k]; !ok {
			n.why[k] = why
			n.lengths[prefix.Bits()] = true
		}
	}
}

// around returns the text of the longest network that all of prefix is in, and
// whether there is one.
func (n *networks) around(prefix netip.Prefix) (string, bool) {
	for bits := prefix.Bits(); bits >= 0; bits-- {
		if !n.lengths[bits] {
			continue
		}
		if why, ok := n.why[key(prefix.Addr(), bits)]; ok {
			return why, true
		}
	}
	return "", false
}

// key is the first bits of an address, and how many they are.
func key(address netip.Addr, bits int) uint64 {
	a := address.As4()
	return uint64(binary.BigEndian.Uint32(a[:]))>>(32-bits)<<8 | uint64(bits)
}

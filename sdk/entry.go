package sdk

import "net/netip"

// Entry is what happens to the pod's address towards one destination prefix.
type Entry struct {
	Prefix    netip.Prefix // IPv4, no host bits set
	Translate bool         // false: the pod's address is kept
	Source    netip.Addr   // what Translate translates to; zero: the node's primary address
	Reason    string       // for people, at most 256 bytes
}

func (e Entry) outcome() string {
	switch {
	case !e.Translate:
		return "exclude"
	case !e.Source.IsValid():
		return "translate"
	}
	return "translate to " + e.Source.String()
}

// compact is an Entry in less than half of its bytes. What a module allocates is
// what costs it most, and a decision may have thousands of entries.
type compact struct {
	destination uint64 // the prefix: 32 bits of address, 8 bits of length
	reason      string
	source      [4]byte
	translate   bool
	hasSource   bool
}

// pack needs an entry with a valid IPv4 prefix.
func pack(e Entry) compact {
	a := e.Prefix.Addr().As4()
	c := compact{
		destination: uint64(a[0])<<32 | uint64(a[1])<<24 | uint64(a[2])<<16 | uint64(a[3])<<8 | uint64(e.Prefix.Bits()),
		reason:      e.Reason,
		translate:   e.Translate,
		hasSource:   e.Source.IsValid(),
	}
	if c.hasSource {
		c.source = e.Source.As4()
	}
	return c
}

func (c compact) entry() Entry {
	d := c.destination
	address := netip.AddrFrom4([4]byte{byte(d >> 32), byte(d >> 24), byte(d >> 16), byte(d >> 8)})
	e := Entry{Prefix: netip.PrefixFrom(address, int(byte(d))), Translate: c.translate, Reason: c.reason}
	if c.hasSource {
		e.Source = netip.AddrFrom4(c.source)
	}
	return e
}

package flow

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// PortUse is how many of one source's ports translated connections hold towards one
// endpoint. No two connections of a protocol can share the port then.
type PortUse struct {
	Protocol string
	Source   netip.Addr // that the endpoint sees
	Endpoint netip.AddrPort
	Ports    int
}

// Usage is what translated connections take.
type Usage struct {
	// Connections are how many live ones each source has that endpoints see.
	Connections map[netip.Addr]int
	// Ports are the endpoints towards which the most ports are held, most first.
	Ports []PortUse
}

// mostCounted bounds the memory of Usage: of 1,000,000 connections to as many endpoints
// each count is 122 too low at most.
const mostCounted = 8192

// Usage sums up the translated connections that carry all bits of one of the marks, and
// lists at most so many endpoints. A closed connection holds its port until the kernel
// forgets it. Protocols without ports hold none.
func (t *Table) Usage(most int, marks ...uint32) (Usage, error) {
	usage := Usage{Connections: map[netip.Addr]int{}}
	held := newHeavy[PortUse](mostCounted)
	for i, mark := range marks {
		err := t.dump(mark, func(f Flow) {
			if !f.Translated() || f.Marked(marks[:i]...) {
				return
			}
			if !f.Closed() {
				usage.Connections[f.Seen.Addr()]++
			}
			if f.Endpoint.Port() != 0 {
				held.add(PortUse{Protocol: f.Protocol, Source: f.Seen.Addr(), Endpoint: f.Endpoint})
			}
		})
		if err != nil {
			return Usage{}, fmt.Errorf("list tracked connections: %w", explain(err))
		}
	}
	for use, n := range held.counts {
		use.Ports = n
		usage.Ports = append(usage.Ports, use)
	}
	slices.SortFunc(usage.Ports, func(a, b PortUse) int {
		return cmp.Or(cmp.Compare(b.Ports, a.Ports), a.Source.Compare(b.Source), a.Endpoint.Compare(b.Endpoint), cmp.Compare(a.Protocol, b.Protocol))
	})
	usage.Ports = slices.Clone(usage.Ports[:min(most, len(usage.Ports))])
	return usage, nil
}

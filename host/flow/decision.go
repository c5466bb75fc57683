package flow

import (
	"net/netip"
	"sort"

	"github.com/snatd/snatd/rules"
)

// Decision is what a ruleset says about a connection.
type Decision struct {
	// Class is the class of the source; empty if the ruleset decides nothing.
	Class string `json:"class,omitempty"`
	// First to Last are the destinations around the connection's endpoint about which
	// the class says the same.
	First   netip.Addr    `json:"first,omitzero"`
	Last    netip.Addr    `json:"last,omitzero"`
	Outcome rules.Outcome `json:"outcome"`
	// Current tells that the connection is as the outcome says. If not, it is as an
	// earlier ruleset decided, or somebody else translates it.
	Current bool `json:"current"`
}

// Decide returns what the ruleset, nil for none, says about a connection now. That is what
// made the connection what it is, as far as the rules of today can tell.
func Decide(r *rules.Ruleset, f Flow) Decision {
	src, dst := f.Source.Addr(), f.Endpoint.Addr()
	d := Decision{Outcome: r.Lookup(src, dst), Current: source(r, f) == f.Seen.Addr()}
	if r == nil {
		return d
	}
	d.Class = r.ClassOf(src)
	for _, c := range r.Classes {
		if c.Name == d.Class {
			d.First, d.Last = around(c.Intervals, dst)
		}
	}
	return d
}

// around is the interval that dst is in, or the gap between two.
func around(intervals []rules.Interval, dst netip.Addr) (first, last netip.Addr) {
	first, last = netip.IPv4Unspecified(), netip.AddrFrom4([4]byte{255, 255, 255, 255})
	i := sort.Search(len(intervals), func(i int) bool { return dst.Compare(intervals[i].Last) <= 0 })
	if i > 0 {
		first = intervals[i-1].Last.Next()
	}
	if i == len(intervals) {
		return first, last
	}
	if in := intervals[i]; in.First.Compare(dst) <= 0 {
		return in.First, in.Last
	}
	return first, intervals[i].First.Prev()
}

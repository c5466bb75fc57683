// Package flow reads the connections that the kernel tracks, says which of them
// another ruleset would decide otherwise, and deletes entries one by one.
//
// It knows what a ruleset decides, and nothing of how one is made or brought into
// the kernel. What is done about connections, and when, is for its caller.
package flow

import (
	"net/netip"
	"time"
)

// Flow is a tracked IPv4 connection, as its entry was when it was read. Ports are 0
// where the protocol has none.
type Flow struct {
	// Protocol is tcp, udp, icmp, ..., or a number.
	Protocol string `json:"protocol"`
	// Source is who opened the connection, Destination where to.
	Source      netip.AddrPort `json:"source"`
	Destination netip.AddrPort `json:"destination"`
	// Endpoint is who answers: the destination, or where DNAT leads instead.
	Endpoint netip.AddrPort `json:"endpoint"`
	// Seen is the source that the endpoint sees.
	Seen netip.AddrPort `json:"seen"`
	// State is TCP's, "established" for example; of others "replied" or "unreplied".
	State string `json:"state"`
	// Timeout is in how many seconds the kernel forgets the connection if no packet comes.
	Timeout uint32 `json:"timeout"`
	// Started is known where net.netfilter.nf_conntrack_timestamp is on.
	Started time.Time `json:"started,omitzero"`
	Mark    uint32    `json:"mark"`

	// entry is what the kernel's entry is called by: its original tuple, zone and ID.
	entry string
}

// Translated tells that the endpoint sees another address than the source's,
// whoever translated it.
func (f Flow) Translated() bool { return f.Seen.Addr() != f.Source.Addr() }

// Rewritten tells that one end sees another address of the other than that has:
// the source is translated, the destination, or both, whoever does it.
func (f Flow) Rewritten() bool {
	return f.Translated() || f.Endpoint.Addr() != f.Destination.Addr()
}

// Marked tells that all bits of one of the marks are set in the connection's.
func (f Flow) Marked(marks ...uint32) bool {
	for _, mark := range marks {
		if f.Mark&mark == mark {
			return true
		}
	}
	return false
}

// Closed tells that no more data is sent: a TCP connection that is closed is
// tracked for minutes after.
func (f Flow) Closed() bool { return f.State == timeWait || f.State == closed }

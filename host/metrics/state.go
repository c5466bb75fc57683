package metrics

import (
	"net/netip"
	"time"

	"github.com/snatd/snatd/host/facts"
)

// State is how the daemon is at one moment.
type State struct {
	Version string // of the daemon, such as "1.2.0"
	// Ready says that the kernel holds what the last good inputs demand.
	Ready bool
	// Waiting says what the daemon waits for if it is not ready.
	Waiting string
	// Problems are how many things an operator should mend.
	Problems int
	// Held says that a change waits for an operator's approval.
	Held bool
	// Changes are how many changes of the table the kernel accepted since the daemon's
	// start, repairs included. Transactions are counted too: those of changes that it
	// accepted, and those that it did not.
	Changes          uint64
	Accepted, Failed uint64
	// Progress is when the daemon's loop last went on.
	Progress time.Time
	// Sources say where facts come from. Those with a name that another one before
	// them has are told with a number.
	Sources []facts.Provenance
	// Subjects are how many are decided for: the node, and pods with an own address.
	Subjects int
	// Pods are how many of them the kernel has an element for.
	Pods int
	// Classes are how many different decisions the kernel holds.
	Classes int
	// Elements are how many elements the kernel's maps hold, by what they are looked up by:
	// "pods", "destinations", "sources".
	Elements map[string]int
	// Translated are how many live connections are translated to each source, and Ports the
	// endpoints towards which the most of a source's ports are held, most first.
	Translated map[netip.Addr]int
	Ports      []PortUse
	// Repairs are how many times what the kernel holds was changed by others and put right.
	Repairs uint64
	// Draining are connections that go on as earlier rules decided; Ended are how many
	// were ended because they were decided otherwise.
	Draining int
	Ended    uint64
	// Neighbours are how many findings there are of each kind of what gets in the way,
	// also of those that there are none of.
	Neighbours map[string]int
	// Connections are how many each module has decided about, by action.
	Connections []Connections
	// Modules are the policy modules; their names differ.
	Modules []Module
}

// PortUse is how many ports of one source are held towards one endpoint.
type PortUse struct {
	Protocol string // "tcp", "udp"
	Source   netip.Addr
	Endpoint netip.AddrPort
	Ports    int
}

// Connections are those whose first packet a module decided about.
type Connections struct {
	Module, Action string
	Count          uint64
}

// Module is a policy module.
type Module struct {
	Name  string
	State string // "active", "shadow", "loading", "failed", "native"
	// Shadow is what it would change; nil unless it is in shadow mode.
	Shadow *Shadow
	// Since the daemon's start: versions that were loaded, by what came of it; how often it
	// was run for a subject, and how often what is remembered was the answer instead; calls
	// into the module.
	Taken, Refused, Evaluations, Recalled, GuestCalls uint64
}

// Shadow is what a module would change if it decided.
type Shadow struct {
	Subjects int // how many it would decide otherwise for
	// Share is the largest part of the address space that it would decide
	// otherwise about for one of them, from 0 to 1.
	Share float64
}

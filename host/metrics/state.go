package metrics

import "github.com/snatd/snatd/host/facts"

// State is how the daemon is at one moment.
type State struct {
	Version string // of the daemon, such as "1.2.0"
	// Ready says that the kernel holds what the last good inputs demand.
	Ready bool
	// Waiting says what the daemon waits for if it is not ready.
	Waiting string
	// Problems are how many things an operator should mend.
	Problems int
	// Changes are how many changes of the table the kernel accepted since the daemon's
	// start, repairs included.
	Changes uint64
	// Sources say where facts come from. Those with a name that another one before
	// them has are told with a number.
	Sources []facts.Provenance
	// Subjects are how many are decided for: the node, and pods with an own address.
	Subjects int
	// Pods are how many of them the kernel has an element for.
	Pods int
	// Classes are how many different decisions the kernel holds.
	Classes int
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
}

// Shadow is what a module would change if it decided.
type Shadow struct {
	Subjects int // how many it would decide otherwise for
	// Share is the largest part of the address space that it would decide
	// otherwise about for one of them, from 0 to 1.
	Share float64
}

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
	// Changes are how many transactions the kernel accepted since the daemon's start.
	Changes uint64
	// Sources say where facts come from; their names differ.
	Sources []facts.Provenance
	// Subjects are how many are decided for: the node, and pods with an own address.
	Subjects int
	// Pods are how many of them the kernel has an element for.
	Pods int
	// Classes are how many different decisions the kernel holds.
	Classes int
}

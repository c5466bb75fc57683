// Package history keeps the last changes with all that they follow from: facts,
// configuration and modules, in memory and, if there is a directory, on disk. From one entry
// the same rules follow again on any machine.
//
// What is a change, and what came of it, is for the engine to say.
package history

import (
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/facts"
)

// Result is what came of a change.
type Result string

// The results.
const (
	Applied Result = "applied" // the kernel holds it
	Held    Result = "held"    // by the guard
	Refused Result = "refused" // by the kernel
)

// Entry is what is told of a change. As JSON it is stable: keys are added, and never changed.
type Entry struct {
	// Number counts up from 1, over restarts too where entries are kept on disk.
	Number uint64    `json:"number"`
	Time   time.Time `json:"time"`
	Result Result    `json:"result"`
	// Ruleset is the digest of what was decided, which is that of a plan from these facts
	// where nothing is installed; empty for nothing at all, in an IPv6 cluster.
	Ruleset string `json:"ruleset"`
	// Facts is the digest of the facts.
	Facts string `json:"facts"`
	// Modules are those that decided, in order of precedence.
	Modules []Module `json:"modules"`
	// Because says what differs from the change before.
	Because string `json:"because"`
	// Operations are those on the kernel's objects, and Milliseconds what it took from the
	// inputs to the kernel.
	Operations   int     `json:"operations"`
	Milliseconds float64 `json:"milliseconds"`
	// Error is why it was refused.
	Error string `json:"error,omitempty"`
	// Inexact says why other rules may follow from the facts, the configuration and the
	// modules alone; empty if the same do.
	Inexact string `json:"inexact,omitempty"`
}

// Module is a version of a module.
type Module struct {
	Name string `json:"name"`
	// SHA256 is empty for a policy of the binary that decides natively.
	SHA256 string `json:"sha256,omitempty"`
}

// Change is an entry with what it follows from. Number and Facts are filled in.
type Change struct {
	Entry
	Config   config.Config
	Snapshot *facts.Snapshot
	DropIns  []dropin.File // among Modules
}

package engine

import (
	"time"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/host/neighbour"
	"github.com/snatd/snatd/rules"
)

// State is what the engine publishes after each pass. It is immutable.
type State struct {
	// Result is the newest result that the kernel holds; nil before the first.
	Result *Result
	// Ruleset is what the kernel holds, with the names it has there; nil if
	// nothing is installed.
	Ruleset *rules.Ruleset
	// Applied is when the kernel was changed last; zero if never.
	Applied time.Time
	// Changes counts the changes of the table that the kernel accepted, each in one or some
	// transactions, repairs included.
	Changes uint64
	// LastChanges are the newest few of the history, the last first.
	LastChanges []history.Entry
	// Kept counts the live connections for which something stays in the kernel that
	// the rules do not need any more: their mark and its routing rule.
	Kept int
	// Repairs counts the times that others changed what the kernel holds and snatd put it
	// right; Repaired is the last of them, nil if there was none.
	Repairs  uint64
	Repaired *Repair
	// Protection says who can change what the kernel holds.
	Protection dataplane.Protection
	// Kernel is what the kernel can do.
	Kernel dataplane.Features
	// Draining counts the connections that go on as earlier rules decided, if
	// snat.onChange asks for that, and Ended those that were ended for that.
	Draining int
	Ended    uint64
	// Waiting says what the engine waits for before it can decide; empty if
	// the kernel holds what the inputs demand.
	Waiting  string
	Problems []Problem
	// Held is a change that the guard holds: Result is then what is in force meanwhile. Nil
	// if there is none.
	Held *Held

	Modules []ModuleStatus
	// Wasm is how modules run: "compiler", "interpreter", or "none".
	Wasm string

	earlier  *Installed // what an earlier run left, while a change of that is held
	read     []followed // what the engine reads itself
	services []func() []facts.Provenance
	instance *aws.Instance // nil if it is not known

	neighbours *neighbours
	around     surroundings // nil if the facts are another node's
}

// Neighbours are other programs on the node that get in the way, as of a minute ago at
// most.
func (s *State) Neighbours() []neighbour.Finding {
	if s.neighbours == nil {
		return nil
	}
	return s.neighbours.findings()
}

// Sources say how current the facts are now: a source that is read again and says
// the same makes no pass.
func (s *State) Sources() (list []facts.Provenance) {
	for _, p := range s.read {
		if p.told && p.Error == "" {
			p.Success = time.Now()
		}
		if p.Source != "" {
			list = append(list, p.Provenance)
		}
	}
	for _, sources := range s.services {
		list = append(list, sources()...)
	}
	return list
}

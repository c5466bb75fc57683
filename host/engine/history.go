package engine

import (
	"fmt"
	"time"

	"github.com/snatd/snatd/host/history"
)

// History is what was changed last, and from what. It may be asked by others than the one
// who runs the engine.
func (e *Engine) History() *history.Ring { return e.history }

// lastChanges is how many of the newest changes a state tells.
const lastChanges = 3

// remember keeps what came of a result, where an error is the kernel's. What is refused
// again and again is kept once.
func (e *Engine) remember(what history.Entry, err error, result *Result, modules []ModuleStatus) {
	switch {
	case err != nil:
		what.Result, what.Error = history.Refused, err.Error()
	case what.Result == "":
		what.Result = history.Applied
	}
	what.Ruleset = result.Ruleset.Digest()
	for _, last := range e.history.Newest(1) {
		if what.Result == history.Refused && last.Result == what.Result && last.Ruleset == what.Ruleset {
			return
		}
	}
	what.Time = time.Now()
	what.Inexact = e.inexact(what, result)
	what.Modules = []history.Module{}
	change := history.Change{
		Config: result.inputs.Config, Snapshot: result.Snapshot, DropIns: e.modules.deciding(result.inputs.Modules),
	}
	for _, file := range change.DropIns {
		what.Modules = append(what.Modules, history.Module{Name: file.Name, SHA256: file.SHA256})
	}
	for _, m := range modules {
		if m.Name == DefaultModule || m.Name == RoutesModule {
			what.Modules = append(what.Modules, history.Module{Name: m.Name, SHA256: m.SHA256})
		}
	}
	change.Entry = what
	e.history.Add(change)
}

// inexact says why a result may not follow again from its facts, configuration and modules.
func (e *Engine) inexact(what history.Entry, result *Result) string {
	if what.Result == history.Applied && e.guard.held != nil {
		return "a change is held, so that who was known is decided for as before it"
	}
	for _, d := range result.Decided {
		for _, answer := range d.Evaluations {
			if answer.Kept {
				return fmt.Sprintf("for %s the last good answer of %s stands, which fails", d.Subject.Name, answer.Decision.Module)
			}
		}
	}
	return ""
}

// milliseconds since a time.
func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

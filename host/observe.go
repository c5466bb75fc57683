package main

import (
	"log/slog"
	"sync"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/metrics"
	"github.com/snatd/snatd/host/neighbour"
	"github.com/snatd/snatd/rules"
)

// elements counts those of a ruleset once: making its table takes milliseconds where it
// is large.
type elements struct {
	mu    sync.Mutex
	of    *rules.Ruleset
	count rules.Elements
}

func (e *elements) in(ruleset *rules.Ruleset) rules.Elements {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of != ruleset {
		e.of, e.count = ruleset, ruleset.Elements()
	}
	return e.count
}

// metricsState is what metrics tell of the daemon.
func metricsState(daemon *engine.Engine, held *elements, log *slog.Logger) metrics.State {
	s := daemon.State()
	state := metrics.State{
		Version: version(), Ready: s.Waiting == "", Waiting: s.Waiting, Progress: daemon.Progress(),
		Problems: len(s.Problems), Held: s.Held != nil, Changes: s.Changes, Sources: s.Sources(),
		Repairs: s.Repairs, Draining: s.Draining, Ended: s.Ended,
	}
	state.Accepted, state.Failed = daemon.Transactions()
	addConnections(&state, daemon, log)
	state.Neighbours = map[string]int{}
	for _, kind := range neighbour.Kinds() {
		state.Neighbours[string(kind)] = 0
	}
	for _, n := range s.Neighbours() {
		state.Neighbours[string(n.Kind)]++
	}
	if s.Result != nil {
		state.Subjects = len(s.Result.Decided)
	}
	for _, m := range s.Modules {
		state.Modules = append(state.Modules, metricsModule(m))
	}
	if s.Ruleset != nil {
		state.Pods, state.Classes = len(s.Ruleset.Pods), len(s.Ruleset.Classes)
	}
	n := held.in(s.Ruleset)
	state.Elements = map[string]int{"pods": n.Pods, "destinations": n.Destinations, "sources": n.Sources}
	return state
}

// addConnections adds what the kernel counts and tracks, as far as it tells.
func addConnections(state *metrics.State, daemon *engine.Engine, log *slog.Logger) {
	decided, err := daemon.Decided()
	if err != nil {
		log.Warn("connections are not counted", "error", err)
	}
	for by, count := range decided {
		state.Connections = append(state.Connections, metrics.Connections{Module: by.Module, Action: string(by.Action), Count: count.Packets})
	}
	usage, err := daemon.Usage()
	if err != nil {
		log.Warn("the use of ports is not told", "error", err)
	}
	state.Translated = usage.Connections
	for _, use := range usage.Ports {
		state.Ports = append(state.Ports, metrics.PortUse(use))
	}
}

func metricsModule(m engine.ModuleStatus) metrics.Module {
	module := metrics.Module{
		Name: m.Name, State: m.State, Taken: m.Loads.Taken, Refused: m.Loads.Refused,
		Evaluations: m.Work.Evaluations, Recalled: m.Work.Recalled, GuestCalls: m.Work.GuestCalls,
	}
	if m.Shadow != nil {
		module.Shadow = &metrics.Shadow{Subjects: m.Shadow.Subjects, Share: m.Shadow.Largest().Share}
	}
	return module
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/history"
)

// pass takes the inputs through the whole pipeline and publishes the outcome.
// It returns when the next pass is due although no input changes; zero for never.
func (e *Engine) pass(ctx context.Context) (next time.Time) {
	if e.reader.services.arrived != nil {
		e.arrived = append(e.arrived, e.reader.services.arrived()...)
	}
	e.listen(ctx)
	if e.reader.patient && e.installer.idle() {
		e.reader.patient = false
		e.log.Warn("the rules of an earlier run are gone")
	}
	var in Inputs
	var p problems
	var waiting error
	e.meanwhile(ctx, func() { in, p, waiting = e.read(ctx) })
	if e.reader.loaded {
		e.healer.every = time.Duration(in.Config.Network.Verify)
	}

	state := *e.state.Load()
	loading := false
	if waiting != nil {
		state.Waiting = waiting.Error()
		next = e.reader.graceEnd()
		e.arrived = nil // how long that took says nothing of the way of a change
	} else {
		until := e.decide(ctx, in, &state, &p)
		loading = !until.IsZero()
		next = earlier(e.modules.nextTry(), until)
	}
	if ctx.Err() != nil {
		return time.Time{} // what failed now failed because of that
	}
	if e.installer.holds != nil {
		var err error
		if state.Protection, err = e.installer.protection(); err != nil {
			p.addPassing("kernel", err)
		}
	} else {
		state.Protection = ""
	}
	if e.options.ListenMetrics != nil {
		if err := e.options.ListenMetrics(); err != nil {
			p.addPassing("metrics.listen", err)
		}
	}
	if err := e.history.Err(); err != nil {
		p.add("history.directory", err)
	}
	if e.reader.loaded {
		p.list = append(p.list, e.needsRestart(in.Config)...)
	}
	if state.Held != nil {
		// The same as long as something is, whatever comes meanwhile: it is told once.
		p.add(guardSource, fmt.Errorf("a change is held since %s, %s: snatd plan shows it, snatd approve lets it through",
			state.Held.Since.UTC().Format(time.RFC3339), state.Held.reason()))
	}
	if lost := e.guard.lost; lost != nil && state.Result != nil {
		p.add(guardSource, lost)
	}
	e.reader.services.report(&p)
	next = earlier(next, e.healer.report(&p, time.Now()))
	next = earlier(next, e.watcher.report(&p))
	e.installer.publish(&state)
	e.healer.publish(&state)
	state.Draining, state.Ended = len(e.connections.draining), e.connections.ended
	if in.Config.Policies.Routes {
		unread(e.reader.services.imds.latest(), &p)
	}
	state.Problems = p.list
	state.read = e.reader.files(e.follower.links != nil, e.follower.files != nil)
	state.services, state.instance = e.reader.services.sources(), e.reader.services.imds.latest()
	if state.Waiting != "" && !loading { // which is how a start is
		e.report(append(slices.Clip(state.Problems), Problem{"engine", state.Waiting}))
	} else {
		e.report(state.Problems)
	}
	state.LastChanges = e.history.Newest(lastChanges)
	e.state.Store(&state)
	e.guard.answer(&state)
	e.reloads.answer()
	if state.Result != nil {
		next = earlier(next, e.record.next(in.Config.Facts.Record, state.Result.Snapshot))
	}
	next = earlier(next, e.retries.plan(time.Now(), p.passing))
	if e.installer.waits() || len(e.connections.draining) > 0 {
		next = earlier(next, time.Now().Add(drainPause))
	}
	if e.again {
		e.again, next = false, time.Now()
	}
	return next
}

// read reads all inputs and follows them. The error says that nothing can be decided yet.
func (e *Engine) read(ctx context.Context) (in Inputs, p problems, waiting error) {
	in, p, waiting = e.reader.readAll()
	for range 3 { // more only if the configuration names other files each time
		fresh, unfollowed := e.follow(ctx, in.Config)
		if !fresh {
			p.join(unfollowed)
			break
		}
		// What changed between the reading and the following has no tick.
		in, p, waiting = e.reader.readAll()
	}
	return in, p, waiting
}

// follow follows everything that the inputs come from.
func (e *Engine) follow(ctx context.Context, cfg config.Config) (fresh bool, p problems) {
	fresh, p = e.follower.follow(ctx, e.options.ConfigFile, cfg)
	begun, unfollowed := e.reader.services.follow(ctx, cfg)
	p.join(unfollowed)
	return fresh || begun, p
}

// drainPause is how often the engine looks whether connections have ended.
const drainPause = 5 * time.Second

// decide takes complete inputs to the kernel. It returns until when it waits for
// modules that load instead; zero if it does not.
func (e *Engine) decide(ctx context.Context, in Inputs, next *State, p *problems) (until time.Time) {
	if next.Result == nil {
		if until := e.awaitModules(in, next, p); !until.IsZero() {
			e.arrived = nil
			return until
		}
	}
	began, operations := time.Now(), e.installer.operations
	var result *Result
	var met problems
	var err error
	e.meanwhile(ctx, func() { result, met, err = decide(ctx, in, e.modules) })
	p.join(met)
	next.Modules, next.Wasm = e.modules.Status(in.Modules), e.modules.wasm()
	e.modules.report(p)
	if err != nil {
		p.add("policy", err)
		next.Waiting = "waiting for facts and modules that give a complete decision"
		return time.Time{}
	}
	if e.healer.failures > 0 {
		e.heal() // or the change would mend it, and nobody would tell of that
	}
	why := func(after *Result) string {
		return because(next.Result, after, e.guard.since(e.State().Modules), next.Modules)
	}
	if result = e.guarded(next, result, why, p); result == nil {
		return time.Time{}
	}
	e.installer.why = func() string { return why(result) + e.guard.word() }
	changed, err := e.bring(result)
	if err != nil || changed || next.Result == nil {
		what := history.Entry{Because: e.installer.why(), Operations: e.installer.operations - operations, Milliseconds: milliseconds(began)}
		e.remember(what, err, result, next.Modules)
	}
	e.installer.why = nil
	e.modules.loadShipped(in.Snapshot)
	applied := time.Now()
	if err != nil {
		p.addPassing("kernel", err)
		next.Waiting = "waiting for the kernel to accept the rules"
		return time.Time{}
	}
	first := next.Result == nil
	next.Result, next.Ruleset, next.Waiting, next.earlier = result, e.installer.holds, "", nil
	e.guard.installed()
	if first {
		e.neighbours.look()
	}
	e.reader.patient, e.reader.earlier = false, nil
	if changed && e.options.PodChanged != nil {
		for _, at := range e.arrived {
			e.options.PodChanged(applied.Sub(at))
		}
	}
	e.arrived = nil
	replaced := e.installer.takeReplaced()
	var unseen, unsaved error
	e.meanwhile(ctx, func() {
		unseen = e.connections.changed(in.Config.SNAT.OnChange, replaced, next.Ruleset, result.pods())
		unsaved = errors.Join(e.record.save(in.Config.Facts.Record, in.Snapshot), e.guard.save(in.Config.Facts.Record))
	})
	if unseen != nil {
		p.addPassing("connections", unseen)
	}
	if unsaved != nil {
		p.add("facts.record", unsaved) // it has a pace of its own
	}
	return time.Time{}
}

// awaitModules returns until when the first decision waits for the drop-ins that
// are loading, and says so; zero if there are none, or if it waited long enough.
func (e *Engine) awaitModules(in Inputs, next *State, p *problems) (until time.Time) {
	met := e.modules.Sync(in.Modules, in.Config.Policies.Routes, in.Snapshot)
	awaited := e.modules.awaited()
	if len(awaited) == 0 || e.waited {
		return time.Time{}
	}
	most := patienceAtFirst
	if e.reader.patient {
		most = patience
	}
	if e.awaited.IsZero() {
		e.awaited = time.Now()
	}
	if until = e.awaited.Add(most); !time.Now().Before(until) {
		e.modules.late(most)
		e.waited = true
		return time.Time{}
	}
	p.join(met)
	next.Modules, next.Wasm = e.modules.Status(in.Modules), e.modules.wasm()
	next.Waiting = "waiting for modules to load: " + strings.Join(awaited, ", ")
	return until
}

// bring makes the kernel hold a result, which in an IPv6 cluster is nothing.
func (e *Engine) bring(result *Result) (changed bool, err error) {
	if result.Ruleset != nil {
		return e.installer.install(result.Ruleset)
	}
	if e.installer.empty() {
		return false, nil
	}
	removed, err := e.installer.remove(result.Network)
	if removed.Live == 0 && err == nil {
		e.log.Info("the cluster's addresses are IPv6: nothing is translated and nothing is installed")
	}
	return removed.Changed, err
}

// waitsForStart ends what is said of such a setting.
const waitsForStart = ": the change takes effect when snatd is started again"

// needsRestart lists settings that only a start puts in force.
func (e *Engine) needsRestart(cfg config.Config) (list []Problem) {
	if cfg.Socket != e.options.Config.Socket {
		list = append(list, Problem{configurationSource, "socket" + waitsForStart})
	}
	if cfg.SocketGroup != e.options.Config.SocketGroup {
		list = append(list, Problem{configurationSource, "socketGroup" + waitsForStart})
	}
	if cfg.Policies.Cache != e.options.Config.Policies.Cache {
		list = append(list, Problem{configurationSource, "policies.cache" + waitsForStart})
	}
	if cfg.Policies.Deadline != e.options.Config.Policies.Deadline || cfg.Policies.Memory != e.options.Config.Policies.Memory {
		list = append(list, Problem{configurationSource, "policies.deadline and policies.memory" + waitsForStart})
	}
	if cfg.Network.Protect != e.options.Config.Network.Protect {
		list = append(list, Problem{configurationSource, "network.protect" + waitsForStart})
	}
	if cfg.History != e.options.Config.History {
		list = append(list, Problem{configurationSource, "history.directory" + waitsForStart})
	}
	if cfg.Metrics != e.options.Config.Metrics {
		list = append(list, Problem{configurationSource, "metrics" + waitsForStart})
	}
	return list
}

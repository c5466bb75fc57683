package engine

import (
	"context"
	"time"

	"github.com/snatd/snatd/host/config"
)

// pass takes the inputs through the whole pipeline and publishes the outcome.
// It says whether it should be tried again although no input changes.
func (e *Engine) pass(ctx context.Context) (again bool) {
	in, found, waiting := e.reader.Read()
	fresh, unfollowed := e.follower.follow(ctx, e.options.ConfigFile, in.Config)
	if fresh {
		// What changed between the reading and the following has no tick.
		in, found, waiting = e.reader.Read()
	}
	p := problems{list: found}
	p.join(unfollowed)

	next := *e.state.Load()
	switch {
	case waiting != nil:
		next.Waiting = waiting.Error()
	default:
		e.decide(ctx, in, &next, &p)
	}
	if ctx.Err() != nil {
		return false // what failed now failed because of that
	}
	p.list = append(p.list, e.needsRestart(in.Config)...)
	next.Problems = p.list
	if next.Waiting != "" {
		e.report(append(p.list[:len(p.list):len(p.list)], Problem{"engine", next.Waiting}))
	} else {
		e.report(p.list)
	}
	e.state.Store(&next)
	return p.passing
}

// decide takes complete inputs to the kernel.
func (e *Engine) decide(ctx context.Context, in Inputs, next *State, p *problems) {
	result, met, err := decide(ctx, in, e.modules)
	p.join(met)
	next.Modules = e.modules.Status(in.Modules)
	if err != nil {
		p.add("policy", err)
		next.Waiting = "waiting for facts and modules that give a complete decision"
		return
	}
	changed, err := e.bring(result, p)
	if changed {
		next.Changes++
		next.Applied = time.Now()
	}
	if err != nil {
		p.addPassing("kernel", err)
		next.Waiting = "waiting for the kernel to accept the rules"
		return
	}
	next.Result, next.Ruleset, next.Waiting = result, e.installer.holds, ""
}

// bring makes the kernel hold a result, which in an IPv6 cluster is nothing.
func (e *Engine) bring(result *Result, p *problems) (changed bool, err error) {
	defer func() { p.passing = p.passing || e.installer.waits() }()
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

// needsRestart lists settings that only a start puts in force.
func (e *Engine) needsRestart(cfg config.Config) (list []Problem) {
	const message = ": the change takes effect when snatd is started again"
	if cfg.Socket != e.options.Config.Socket {
		list = append(list, Problem{"configuration", "socket" + message})
	}
	if cfg.Policies.Cache != e.options.Config.Policies.Cache {
		list = append(list, Problem{"configuration", "policies.cache" + message})
	}
	return list
}

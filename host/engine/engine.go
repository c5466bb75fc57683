// Package engine runs the pipeline: it reads the inputs, lets the policy
// modules decide, compiles the decisions and brings them into the kernel, once
// at start and again after every change.
//
// One goroutine owns all of it, so a stage needs no locks; what others may see
// is published as an immutable State. How a stage does its work is in its own
// package.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/host/watch"
	"github.com/snatd/snatd/rules"
)

// Options are what an Engine is made from.
type Options struct {
	// Load reads the configuration anew.
	Load func() (config.Config, error)
	// ConfigFile is watched; empty if there is none.
	ConfigFile string
	Log        *slog.Logger
}

// Engine is the daemon's loop.
type Engine struct {
	options   Options
	log       *slog.Logger
	reader    *Reader
	dataplane *dataplane.Dataplane
	modules   *Modules
	state     atomic.Pointer[State]

	wake    chan struct{}
	watched []string
	unwatch context.CancelFunc

	// installed is what the kernel holds; unknown until the first transaction
	// and after a refused one.
	installed *rules.Ruleset
	known     bool
	reported  []Problem
	failures  int
}

// New returns an engine for the current network namespace. It fails if the
// kernel or the process's rights cannot do what the engine needs.
func New(options Options) (*Engine, error) {
	dp, err := dataplane.Open(options.Log)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		options:   options,
		log:       options.Log,
		reader:    NewReader(options.Load),
		dataplane: dp,
		wake:      make(chan struct{}, 1),
		unwatch:   func() {},
	}
	e.state.Store(&State{Waiting: "starting"})
	return e, nil
}

// State is what the last pass published.
func (e *Engine) State() *State { return e.state.Load() }

// Run runs passes until ctx ends; it leaves the rules in place.
func (e *Engine) Run(ctx context.Context) (err error) {
	defer func() {
		e.unwatch()
		err = errors.Join(err, e.dataplane.Close())
	}()
	cfg, err := e.options.Load()
	if err != nil {
		return err
	}
	engine, err := policy.NewEngine(ctx, policy.Options{CacheDir: cfg.Policies.Cache, Log: e.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(context.WithoutCancel(ctx))) }()
	e.modules = NewModules(ctx, engine, e.log)

	links, err := link.Watch(ctx)
	if err != nil {
		return fmt.Errorf("following interfaces and addresses: %w", err)
	}
	for {
		var retry <-chan time.Time
		if err := e.pass(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			e.failures++
			delay := backoff(e.failures)
			e.log.Error("the kernel's rules could not be changed", "error", err, "retry", delay)
			retry = time.After(delay)
		} else {
			e.failures = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
		case <-links:
		case <-retry:
		}
	}
}

// pass takes the inputs through the whole pipeline. Its error is the kernel's
// refusal, which a later try may mend; everything else is a Problem.
func (e *Engine) pass(ctx context.Context) error {
	in, problems, waiting := e.reader.Read()
	e.watch(ctx, in.Config)

	next := *e.state.Load()
	defer func() {
		next.Problems = problems
		e.report(problems, next.Waiting)
		e.state.Store(&next)
	}()
	if waiting != nil {
		next.Waiting = waiting.Error()
		return nil
	}
	problems = append(problems, e.modules.Sync(ctx, in.Modules)...)
	next.Modules = e.modules.Status(in.Modules)
	result, failed, err := Evaluate(ctx, in, e.modules)
	problems = append(problems, failed...)
	if err != nil {
		problems = append(problems, Problem{"policy", err.Error()})
		next.Waiting = "waiting for facts and modules that give a complete decision"
		return nil
	}
	changed, err := e.apply(result)
	if err != nil {
		problems = append(problems, Problem{"kernel", err.Error()})
		next.Waiting = "waiting for the kernel to accept the rules"
		return err
	}
	next.Result, next.Ruleset, next.Waiting = result, e.installed, ""
	if changed {
		next.Changes++
		next.Applied = time.Now()
	}
	return nil
}

// apply brings a result into the kernel, and says whether that changed it.
func (e *Engine) apply(result *Result) (changed bool, err error) {
	if result.Ruleset == nil {
		return e.uninstall(result.Network)
	}
	// The rule first: a packet that is marked must find its route.
	if err := e.dataplane.Routing().Ensure(result.Network.Mark); err != nil {
		return false, err
	}
	plan := rules.Replace(result.Ruleset)
	if e.known {
		plan = rules.Diff(e.installed, result.Ruleset)
	}
	if len(plan.Ops) == 0 {
		e.installed = plan.After
		return false, nil
	}
	start := time.Now()
	if err := e.dataplane.Apply(plan.Ops); err != nil {
		e.known = false
		return false, err
	}
	e.installed, e.known = plan.After, true
	e.log.Info("rules changed", "operations", len(plan.Ops), "classes", len(plan.After.Classes),
		"pods", len(plan.After.Pods), "ruleset", plan.After.Digest()[:12], "duration", time.Since(start))
	return true, nil
}

// uninstall removes what an earlier run or family left.
func (e *Engine) uninstall(network rules.Network) (changed bool, err error) {
	if e.known && e.installed == nil {
		return false, nil
	}
	e.log.Info("the cluster's addresses are IPv6: nothing is translated and nothing is installed")
	removed, err := remove(e.dataplane, network)
	if err != nil {
		e.known = false
		return false, err
	}
	e.installed, e.known = removed.Left, true
	return removed.Changed, nil
}

// watch follows the files and folders that the configuration names.
func (e *Engine) watch(ctx context.Context, cfg config.Config) {
	var paths []string
	for _, path := range []string{e.options.ConfigFile, cfg.Facts.File, cfg.Policies.Directory} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	if slices.Equal(paths, e.watched) {
		return
	}
	e.unwatch()
	ctx, e.unwatch = context.WithCancel(ctx)
	ticks, err := watch.Files(ctx, e.log, paths...)
	if err != nil {
		e.log.Error("files cannot be watched, changes need a restart", "paths", paths, "error", err)
		e.watched = nil
		return
	}
	e.watched = paths
	// What changed between the reading and the watching is read again.
	e.wakeUp()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks:
				e.wakeUp()
			}
		}
	}()
}

func (e *Engine) wakeUp() {
	select {
	case e.wake <- struct{}{}:
	default: // a pass is due already
	}
}

// report logs what is wrong now and was not before, and what is mended.
func (e *Engine) report(problems []Problem, waiting string) {
	now := problems
	if waiting != "" {
		now = append(slices.Clone(problems), Problem{"engine", waiting})
	}
	for _, p := range now {
		if !slices.Contains(e.reported, p) {
			e.log.Error(p.Message, "source", p.Source)
		}
	}
	for _, p := range e.reported {
		if !slices.Contains(now, p) {
			e.log.Info("mended", "source", p.Source, "problem", p.Message)
		}
	}
	e.reported = now
}

// backoff is the pause before try n+1: 100 ms, doubling, 30 s at most.
func backoff(n int) time.Duration {
	const least, most = 100 * time.Millisecond, 30 * time.Second
	return min(least<<min(n-1, 10), most)
}

// Package engine runs the pipeline: it reads the inputs, lets the policy
// modules decide, compiles the decisions and brings them into the kernel, once
// at start and again after every change.
//
// One goroutine owns all of it, so a stage needs no locks; what takes a while is done
// beside it, and it sees to the kernel's rules until then. What others may see is
// published as an immutable State. How a stage does its work is in its own package.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/host/instance"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

// Options are what an Engine is made from.
type Options struct {
	// Config is the configuration at start, which Load returned.
	Config config.Config
	// Load reads the configuration anew.
	Load func() (config.Config, error)
	// ConfigFile is followed, whether it exists or not; empty if there is none.
	ConfigFile string
	Log        *slog.Logger
	// Compiler compiles modules in another process; nil does it in this one.
	Compiler policy.Compiler
	// ListenMetrics makes the daemon listen for those who ask for metrics, unless it does.
	// It is called in each pass; its error is a problem that may pass. Nil does nothing.
	ListenMetrics func() error
	// PodChanged is told how long it took from a change of a pod, as the API
	// server told of it, to the kernel holding what follows. Nil for nobody.
	PodChanged func(time.Duration)
	// Applied is told how long a change of the table took, and Compiled how long
	// compiling a ruleset took. Nil for nobody.
	Applied, Compiled func(time.Duration)
}

// Engine is the daemon's loop.
type Engine struct {
	options   Options
	log       *slog.Logger
	reader    *Reader
	modules   *Modules
	dataplane *linux
	lock      *instance.Lock
	installer installer
	healer    *healer
	watcher   watcher
	// connections are those that a change decides otherwise.
	connections connections
	neighbours  *neighbours
	counting    *counting
	follower    follower
	retries     retries
	reloads     reloads
	coalescer   coalescer
	record      record
	pulse       pulse
	usage       *usage
	guard       guard
	history     *history.Ring
	state       atomic.Pointer[State]
	// again says that a pass has to follow the one under way.
	again    bool
	reported []Problem
	// arrived are when the changes of pods came in that the kernel does not hold
	// yet.
	arrived []time.Time
	// awaited is since when the first decision waits for modules to load, and waited
	// that it has waited long enough.
	awaited time.Time
	waited  bool
}

// New returns an engine for the current network namespace, where it is the only
// one. It fails if the kernel or the process's rights cannot do what the engine
// needs. Run or Close end it.
func New(options Options) (*Engine, error) {
	dp, err := openLinux(options.Log)
	if err != nil {
		return nil, err
	}
	lock, err := instance.Acquire(options.Log)
	if err != nil {
		return nil, errors.Join(err, dp.Close())
	}
	e := &Engine{
		options:   options,
		log:       options.Log,
		reader:    NewReader(options.Load, options.Log),
		dataplane: dp,
		lock:      lock,
		installer: installer{
			kernel: dp, log: options.Log, applied: options.Applied,
			protect: options.Config.Network.Protect == config.ProtectAuto,
		},
		healer: newHealer(time.Duration(options.Config.Network.Verify)),
		watcher: watcher{subscribe: func(ctx context.Context) (dataplane.Watching, error) {
			return dp.Watch(ctx, rules.TableName)
		}},
		connections: connections{table: dp.flows, log: options.Log},
		follower:    follower{log: options.Log},
		retries:     retries{},
		guard:       guard{approvals: make(chan approval)},
		reloads:     reloads{asked: make(chan chan struct{})},
	}
	e.reader.last.Uncounted = !dp.Features().Has(dataplane.Counting)
	if e.counting, err = newCounting(dp.Counters().Read); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.installer.counters = e.counting
	e.neighbours = newNeighbours(options.Log, e.State, e.reader.services.announcer.neighbour)
	e.usage = newUsage(dp.watched.Usage)
	e.pulse.beat()
	earlier, err := e.installer.left()
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if e.reader.patient = earlier; earlier {
		e.reader.earlier = recorded(options.Config, options.Log)
		if !e.installer.known {
			e.healer.missed(time.Now())
		}
	}
	if e.history, err = history.Open(options.Config.History.Directory); err != nil {
		options.Log.Warn("some of the changes that are kept cannot be read", "error", err)
	}
	e.guard.begin(options.Config.Facts.Record, options.Log)
	e.state.Store(&State{Waiting: "starting", Kernel: dp.Features(), neighbours: e.neighbours, around: here{}})
	return e, nil
}

// Close ends an engine that does not Run.
func (e *Engine) Close() error { return errors.Join(e.dataplane.Close(), e.lock.Close()) }

// State is what the last pass published.
func (e *Engine) State() *State { return e.state.Load() }

// Run runs passes until ctx ends; it leaves the rules in place.
func (e *Engine) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, e.Close()) }()
	defer e.follower.close()
	defer e.reader.services.close()
	wasm, err := policy.NewEngine(ctx, PolicyOptions(e.options.Config, e.options.Compiler, e.log))
	if err != nil {
		e.log.Error("Wasm modules cannot run", "error", err)
		wasm = nil
	} else {
		defer func() { err = errors.Join(err, wasm.Close(context.WithoutCancel(ctx))) }()
	}
	e.modules = NewModules(ctx, wasm, e.log)
	e.modules.compiled = e.options.Compiled
	defer e.modules.Close()
	inner, stop := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() { e.neighbours.run(inner) })
	looking.Go(func() { e.history.Run(inner) })
	defer looking.Wait()
	defer stop()
	for ctx.Err() == nil {
		began, changes := time.Now(), e.installer.changes
		next := e.pass(ctx)
		e.coalescer.passed(began, time.Now(), e.installer.changes != changes)
		if !e.await(ctx, timer(next)) || !e.coalesce(ctx) {
			break
		}
	}
	return nil
}

// PolicyOptions are those of a configuration.
func PolicyOptions(cfg config.Config, compiler policy.Compiler, log *slog.Logger) policy.Options {
	return policy.Options{
		Compiler:    compiler,
		CacheDir:    cfg.Policies.Cache,
		Deadline:    time.Duration(cfg.Policies.Deadline),
		MemoryPages: uint32(cfg.Policies.Memory) * (1 << 20 / 65536),
		Log:         log,
	}
}

// timer fires at a time; never if that is zero.
func timer(at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// coalesce waits for changes that come together with one that is there.
func (e *Engine) coalesce(ctx context.Context) bool {
	least := time.Duration(e.reader.last.Config.Facts.Coalesce)
	now := time.Now()
	e.coalescer.came(now, least)
	for due := e.coalescer.due(now, least); now.Before(due); {
		if !e.await(ctx, timer(due)) {
			return false
		}
		if now = time.Now(); now.Before(due) {
			e.coalescer.came(now, least)
		}
	}
	return true
}

// await waits for a change of the inputs, and until due at the latest; false says
// that ctx ended.
func (e *Engine) await(ctx context.Context, due <-chan time.Time) bool {
	services := &e.reader.services
	for {
		e.pulse.beat()
		select {
		case <-ctx.Done():
			return false
		case <-due:
			return true
		case <-time.After(pulseEvery):
		case <-e.follower.files:
			return true
		case <-services.imds.changed():
			return true
		case <-services.ec2.changed():
			return true
		case <-services.cluster.changed():
			return true
		case <-e.modules.loads.changed:
			return true
		case a := <-e.guard.approvals:
			e.guard.asked = append(e.guard.asked, &a)
			return true
		case done := <-e.reloads.asked:
			e.reloads.waiting = append(e.reloads.waiting, done)
			e.askAgain()
			return true
		case d := <-e.watcher.Found:
			e.healer.disturbed(d, time.Now())
		case err := <-e.watcher.Ended:
			e.watcher.failed(err, time.Now())
			return true
		case <-timer(e.healer.next()):
			if e.heal() {
				return true
			}
		case _, ok := <-e.follower.links:
			if !ok {
				e.follower.links = nil
			}
			e.routing()
			if e.linked() || !ok {
				return true
			}
		}
	}
}

// report logs what is wrong now and was not before, and what is mended.
func (e *Engine) report(now []Problem) {
	for _, p := range now {
		if !slices.Contains(e.reported, p) {
			e.log.Error(p.Message, "source", p.Source)
			e.reader.services.announcer.problem(p)
		}
	}
	for _, p := range e.reported {
		// A source that only says something else now is not mended.
		if !slices.ContainsFunc(now, func(n Problem) bool { return n.Source == p.Source }) {
			e.log.Info("mended", "source", p.Source, "problem", p.Message)
		}
	}
	e.reported = now
}

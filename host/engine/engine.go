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
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/instance"
	"github.com/snatd/snatd/host/policy"
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
}

// Engine is the daemon's loop.
type Engine struct {
	options   Options
	log       *slog.Logger
	reader    *Reader
	modules   *Modules
	dataplane *dataplane.Dataplane
	lock      *instance.Lock
	installer installer
	follower  follower
	retries   retries
	state     atomic.Pointer[State]
	reported  []Problem
}

// New returns an engine for the current network namespace, where it is the only
// one. It fails if the kernel or the process's rights cannot do what the engine
// needs. Run or Close end it.
func New(options Options) (*Engine, error) {
	dp, err := dataplane.Open(options.Log)
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
		installer: installer{kernel: dp, log: options.Log},
		follower:  follower{log: options.Log},
		retries:   retries{},
	}
	e.state.Store(&State{Waiting: "starting"})
	return e, nil
}

// Close ends an engine that does not Run.
func (e *Engine) Close() error { return errors.Join(e.dataplane.Close(), e.lock.Close()) }

// State is what the last pass published.
func (e *Engine) State() *State { return e.state.Load() }

// settle is the least time between the beginnings of two passes: a change that
// comes alone is not delayed, those of a burst are taken together.
const settle = 20 * time.Millisecond

// Run runs passes until ctx ends; it leaves the rules in place.
func (e *Engine) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, e.Close()) }()
	defer e.follower.close()
	defer e.reader.metadata.close()
	wasm, err := policy.NewEngine(ctx, policy.Options{CacheDir: e.options.Config.Policies.Cache, Log: e.log})
	if err != nil {
		e.log.Error("Wasm modules cannot run", "error", err)
		wasm = nil
	} else {
		defer func() { err = errors.Join(err, wasm.Close(context.WithoutCancel(ctx))) }()
	}
	e.modules = NewModules(ctx, wasm, e.log)
	for ctx.Err() == nil {
		settled := time.Now().Add(settle)
		next := e.pass(ctx)
		if !e.await(ctx, next) || !pause(ctx, time.Until(settled)) {
			break
		}
	}
	return nil
}

// await waits until a pass is due, at next at the latest if that is not zero;
// false says that ctx ended.
func (e *Engine) await(ctx context.Context, next time.Time) bool {
	var retry <-chan time.Time
	if !next.IsZero() {
		retry = time.After(time.Until(next))
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-retry:
			return true
		case <-e.follower.files:
			return true
		case <-e.reader.metadata.changed():
			return true
		case _, ok := <-e.follower.links:
			e.reader.metadata.refresh()
			if !ok {
				e.follower.links = nil
				return true
			}
			if e.reader.linkChanged() {
				return true
			}
		}
	}
}

// pause waits; false says that ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// report logs what is wrong now and was not before, and what is mended.
func (e *Engine) report(now []Problem) {
	for _, p := range now {
		if !slices.Contains(e.reported, p) {
			e.log.Error(p.Message, "source", p.Source)
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

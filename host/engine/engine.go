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
	installer installer
	follower  follower
	state     atomic.Pointer[State]
	reported  []Problem
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
		installer: installer{kernel: dp, log: options.Log},
		follower:  follower{log: options.Log},
	}
	e.state.Store(&State{Waiting: "starting"})
	return e, nil
}

// State is what the last pass published.
func (e *Engine) State() *State { return e.state.Load() }

// settle is the least time between the beginnings of two passes: a change that
// comes alone is not delayed, those of a burst are taken together.
const settle = 20 * time.Millisecond

// Run runs passes until ctx ends; it leaves the rules in place.
func (e *Engine) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, e.dataplane.Close()) }()
	defer e.follower.close()
	wasm, err := policy.NewEngine(ctx, policy.Options{CacheDir: e.options.Config.Policies.Cache, Log: e.log})
	if err != nil {
		e.log.Error("Wasm modules cannot run", "error", err)
		wasm = nil
	} else {
		defer func() { err = errors.Join(err, wasm.Close(context.WithoutCancel(ctx))) }()
	}
	e.modules = NewModules(ctx, wasm, e.log)
	failures := 0
	for ctx.Err() == nil {
		due := time.Now().Add(settle)
		var retry <-chan time.Time
		if again := e.pass(ctx); again {
			failures++
			retry = time.After(backoff(failures))
		} else {
			failures = 0
		}
		if !e.await(ctx, retry) || !pause(ctx, time.Until(due)) {
			break
		}
	}
	return nil
}

// await waits until a pass is due; false says that ctx ended.
func (e *Engine) await(ctx context.Context, retry <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-retry:
			return true
		case <-e.follower.files:
			return true
		case _, ok := <-e.follower.links:
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

// backoff is the pause after n passes in a row that should be tried again: 100
// ms, doubling, 30 s at most.
func backoff(n int) time.Duration {
	const least, most = 100 * time.Millisecond, 30 * time.Second
	return min(least<<min(n-1, 10), most)
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

package policy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Options of an Engine; the zero Options are the defaults.
type Options struct {
	// CacheDir keeps compiled modules between starts; it is created with mode
	// 0700. Empty, or if it cannot be trusted or used: in memory only.
	CacheDir string
	// Deadline is how long decide or validate may run, 250ms by default: a Go
	// guest needs some 20us for a prefix, and may give abi.MaxPrefixes. The
	// start of an instance may take startFactor times as long.
	Deadline time.Duration
	// MemoryPages is how much memory a guest may have, in pages of 64 KiB; 256
	// (16 MiB) by default. Go guests need at least 38.
	MemoryPages uint32
	// CallBudget is how many function calls a guest may make in one evaluation,
	// its start included; 1<<20 by default. A Go guest's start takes about 5,000.
	CallBudget int
	// Compiler compiles modules in another process; nil does it in this one, which is
	// for modules of one's own.
	Compiler Compiler
	// Log takes the guests' log lines and the engine's own; nil discards them.
	Log *slog.Logger
}

const (
	defaultDeadline    = 250 * time.Millisecond
	defaultMemoryPages = 256
	defaultCallBudget  = 1 << 20
)

func (o Options) withDefaults() Options {
	if o.Deadline == 0 {
		o.Deadline = defaultDeadline
	}
	if o.MemoryPages == 0 {
		o.MemoryPages = defaultMemoryPages
	}
	if o.CallBudget == 0 {
		o.CallBudget = defaultCallBudget
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Engine compiles and runs modules. It may be used by several goroutines.
type Engine struct {
	options  Options
	mode     string
	cache    *cache // nil: in memory only
	memories *memories

	compiling sync.Mutex // one module at a time; those that run do not wait
	mu        sync.Mutex
	programs  map[hash]*program
}

// NewEngine starts an engine without modules. It fails where wazero does not
// run at all; native policies work there.
func NewEngine(ctx context.Context, options Options) (*Engine, error) {
	return newEngine(ctx, options, detectMode())
}

func newEngine(ctx context.Context, options Options, mode string) (_ *Engine, err error) {
	options = options.withDefaults()
	e := &Engine{
		options:  options,
		mode:     mode,
		memories: newMemories(options.MemoryPages),
		programs: map[hash]*program{},
	}
	if options.CacheDir != "" && mode == ModeCompiler {
		if e.cache, err = openCache(options.CacheDir); err != nil {
			options.Log.Warn("compiled modules are not kept on disk", "error", err)
		}
	}
	m, err := newMachine(ctx, mode, e.cache.path()) // to see that it starts here
	if err != nil {
		return nil, err
	}
	return e, m.close(ctx)
}

// Mode is "compiler", or "interpreter" where the machine does not allow
// executable memory: evaluations then take several times as long.
func (e *Engine) Mode() string { return e.mode }

// Close releases everything, and closes the modules that are still open.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for hash, p := range e.programs {
		errs = append(errs, p.machine.close(ctx))
		delete(e.programs, hash)
	}
	return errors.Join(errs...)
}

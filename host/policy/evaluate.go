package policy

import (
	"cmp"
	"context"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/snatd/snatd/sdk/abi"
)

// startFactor is how many deadlines the start of an instance may take. A Go
// runtime starts for milliseconds, and on a throttled node ten times that. Facts
// cannot be read then, so every start of a module does the same, and one that
// never ends is met when the module is loaded.
const startFactor = 4

// call is one run of a guest in an instance of its own.
type call struct {
	session  *session
	engine   *Engine
	phase    string // abi.Initialize, abi.Validate or abi.Decide
	limit    int    // of function calls
	calls    int    // function calls so far
	depth    int    // of the calls under way
	allowed  time.Duration
	deadline time.Time // of the phase
	memory   memory
	output   output
	clock    clock
}

// callKey is where the functions of the host and the listener find the call in
// the context that a guest runs with.
type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// run calls an export in a fresh instance, or only starts one if export is
// empty. State never survives: the instance is closed whatever happens. The
// error is an *Error or wraps that of ctx.
func (m *Module) run(ctx context.Context, s *session, export string) (result int32, err error) {
	c := &call{session: s, engine: m.engine, limit: m.engine.options.CallBudget}
	var instance api.Module
	defer func() {
		if instance != nil {
			_ = instance.Close(context.WithoutCancel(ctx)) // no file is open that could fail to close
		}
	}()
	err = c.within(ctx, abi.Initialize, startFactor*m.deadline(), func(ctx context.Context) error {
		// Without start functions: an exit in one would count as success.
		config := hermetic(c).WithName("").WithStartFunctions()
		started, err := m.program.machine.InstantiateModule(ctx, m.program.compiled, config)
		if err != nil {
			return err
		}
		instance = started
		if start := instance.ExportedFunction(abi.Initialize); start != nil {
			_, err = start.Call(ctx)
		}
		return err
	})
	if err != nil || export == "" {
		return 0, err
	}
	err = c.within(ctx, export, m.deadline(), func(ctx context.Context) error {
		results, err := instance.ExportedFunction(export).Call(ctx)
		if err == nil {
			result = api.DecodeI32(results[0])
		}
		return err
	})
	return result, err
}

// deadline is how long a phase may take.
func (m *Module) deadline() time.Duration {
	return cmp.Or(m.grants.Deadline, m.engine.options.Deadline)
}

// within runs a phase of the call.
func (c *call) within(ctx context.Context, phase string, allowed time.Duration, f func(context.Context) error) error {
	guest, cancel := context.WithTimeout(ctx, allowed)
	defer cancel()
	c.phase, c.allowed = phase, allowed
	c.deadline, _ = guest.Deadline()
	guest = experimental.WithMemoryAllocator(guest, c.allocator())
	if err := f(context.WithValue(guest, callKey{}, c)); err != nil {
		return c.explain(ctx, guest, err)
	}
	return nil
}

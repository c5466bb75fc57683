package policy

import (
	"cmp"
	"context"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/snatd/snatd/sdk/abi"
)

// startFactor is how many deadlines the start of an instance may take. A Go
// runtime starts for milliseconds, and on a throttled node ten times that. Facts
// cannot be read then, so every start of a module does the same, and one that
// never ends is met when the module is loaded.
const startFactor = abi.GivenStart / abi.GivenDeadline

// call is one run of a guest.
type call struct {
	session  *session
	engine   *Engine
	instance *instance
	phase    string // abi.Initialize, abi.Validate or abi.Decide
	limit    int    // of function calls
	calls    int    // function calls so far
	depth    int    // of the calls under way
	allowed  time.Duration
	deadline time.Time // of the phase
	// changed says that the guest changed what cannot be restored.
	changed bool
}

// callKey is where the functions of the host and the listener find the call in
// the context that a guest runs with.
type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// run calls an export in an instance that is as after its start, or only starts
// one if export is empty. State never survives: whatever happens, the instance is
// closed or restored. The error is an *Error or wraps that of ctx.
func (m *Module) run(ctx context.Context, s *session, export string) (result int32, err error) {
	c := &call{session: s, engine: m.engine, limit: m.engine.options.CallBudget}
	if err := m.enter(ctx, c); err != nil {
		return 0, err
	}
	restorable := false
	defer func() {
		if !restorable || !m.program.spare.put(c.instance) {
			c.instance.close(ctx)
		}
	}()
	if export == "" {
		return 0, nil
	}
	m.counted.guestCalls.Add(1)
	err = c.within(ctx, export, m.deadline(), func(ctx context.Context) error {
		results, err := c.instance.module.ExportedFunction(export).Call(ctx)
		if err != nil {
			return err
		}
		result = api.DecodeI32(results[0])
		// From the deadline on wazero may close the instance at any moment.
		restorable = !c.changed && ctx.Err() == nil && c.instance.restore()
		return nil
	})
	return result, err
}

// enter gives the call an instance: the spare one, or a fresh one.
func (m *Module) enter(ctx context.Context, c *call) error {
	if c.instance = m.program.spare.take(); c.instance != nil {
		c.calls, c.session.logged = c.instance.calls, c.instance.logged
		return nil
	}
	c.instance = newInstance(m.engine.memories)
	m.counted.guestCalls.Add(1)
	err := c.within(ctx, abi.Initialize, startFactor*m.deadline(), func(ctx context.Context) error {
		return c.instance.start(ctx, m.program)
	})
	if err != nil {
		c.instance.close(ctx)
		return err
	}
	c.instance.calls, c.instance.logged = c.calls, c.session.logged
	m.program.spare.started(c.instance)
	return nil
}

// deadline is how long a phase may take.
func (m *Module) deadline() time.Duration {
	return cmp.Or(m.grants.Deadline, m.engine.options.Deadline)
}

// within runs a phase of the call.
func (c *call) within(ctx context.Context, phase string, allowed time.Duration, f func(context.Context) error) error {
	guest, cancel := context.WithTimeout(ctx, allowed)
	defer cancel()
	c.phase, c.allowed, c.depth, c.changed = phase, allowed, 0, false
	c.deadline, _ = guest.Deadline()
	if err := f(context.WithValue(guest, callKey{}, c)); err != nil {
		return c.explain(ctx, guest, err)
	}
	return nil
}

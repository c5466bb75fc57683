package policy

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/snatd/snatd/sdk/abi"
)

// listeners makes wazero report every call of every function. A deadline alone
// stops only loops: recursion without one would go on, and stop the whole
// daemon at the next garbage collection, which waits for it. The budget is also
// what stops a guest at the same place on every machine.
type listeners struct{}

func (listeners) NewFunctionListener(api.FunctionDefinition) experimental.FunctionListener {
	return listeners{}
}

// lookEvery is how many calls pass between two looks at the clock.
const lookEvery = 64

// Before counts a call. A panic is how a listener stops a guest.
func (listeners) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	c := callOf(ctx)
	c.depth++
	// The stack is not part of a guest's memory: at this depth it has 50 MiB, and
	// twice that while it is copied. The interpreter has room for 2,000.
	if c.depth > abi.GivenDepth {
		panic(c.session.errorf(ClassBudget, "%s went more than %d calls deep", c.phase, abi.GivenDepth))
	}
	c.calls++
	if c.calls > c.limit {
		panic(c.session.errorf(ClassBudget, "%s made more than %d function calls", c.phase, c.limit))
	}
	if c.calls%lookEvery == 0 && (time.Now().After(c.deadline) || ctx.Err() != nil) {
		panic(c.late()) // the caller's own error, if it is the caller who gave up
	}
}

// After ends a call. One that ends otherwise ends the instance.
func (listeners) After(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64) {
	callOf(ctx).depth--
}

func (listeners) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

package policy

import (
	"context"
	"math/rand/v2"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/snatd/snatd/sdk/abi"
)

// instance is a started module, and the world that it sees.
type instance struct {
	module api.Module
	memory memory
	output output
	clock  clock
	random rand.ChaCha8
	calls  int     // of functions, that its start made
	logged int     // bytes of lines, by its start
	origin *origin // nil: not to be restored
}

// origin is what an instance was after its start.
type origin struct {
	variables []api.MutableGlobal
	values    []uint64
	memory    []byte
	refused   bool // a growth of memory
	output    int  // bytes
	clock     clock
	random    rand.ChaCha8
}

func newInstance(memories *memories) *instance {
	return &instance{memory: memory{pool: memories}, random: *rand.NewChaCha8([32]byte{})}
}

// start makes the instance ready.
func (i *instance) start(ctx context.Context, p *program) (err error) {
	// Without start functions: an exit in one would count as success.
	config := hermetic(i).WithName("").WithStartFunctions()
	ctx = experimental.WithMemoryAllocator(ctx, i.memory.allocator())
	if i.module, err = p.machine.InstantiateModule(ctx, p.compiled, config); err != nil {
		return err
	}
	if start := i.module.ExportedFunction(abi.Initialize); start != nil {
		if _, err = start.Call(ctx); err != nil {
			return err
		}
	}
	// From the deadline on wazero may close the instance at any moment.
	return ctx.Err()
}

func (i *instance) close(ctx context.Context) {
	if i.module != nil {
		_ = i.module.Close(context.WithoutCancel(ctx)) // no file is open that could fail to close
	}
}

// remember makes what the instance is now the origin. The names are those of its
// mutable globals.
func (i *instance) remember(globals []string) {
	o := &origin{
		memory: append([]byte(nil), i.memory.bytes...), refused: i.memory.refused,
		output: len(i.output.text), clock: i.clock, random: i.random,
	}
	for _, name := range globals {
		variable := i.module.ExportedGlobal(name).(api.MutableGlobal)
		o.variables = append(o.variables, variable)
		o.values = append(o.values, variable.Get())
	}
	i.origin = o
}

// restore brings the instance back to its origin; false says that it cannot be:
// memory never shrinks again.
func (i *instance) restore() bool {
	o := i.origin
	if o == nil || len(i.memory.bytes) != len(o.memory) {
		return false
	}
	copy(i.memory.bytes, o.memory)
	for n, variable := range o.variables {
		variable.Set(o.values[n])
	}
	i.memory.refused = o.refused
	i.output.text = i.output.text[:o.output]
	i.clock, i.random = o.clock, o.random
	return true
}

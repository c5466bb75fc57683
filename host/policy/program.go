package policy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

type hash = [sha256.Size]byte

// program is compiled code in a machine of its own. Modules with the same bytes
// share it.
type program struct {
	hash     hash
	machine  *machine
	compiled wazero.CompiledModule
	spare    *spare // nil: instances cannot be restored
	users    int    // modules, and evaluations under way
}

// longestCompilation bounds what the bounds of a module's functions let through,
// on a slow machine.
const longestCompilation = 20 * time.Second

// largeModule is the size in bytes of modules whose compilation leaves garbage
// worth returning to the system at once: some 30 MiB for a Go module.
const largeModule = 256 << 10

// acquire compiles wasm, unless an identical module is there already.
func (e *Engine) acquire(ctx context.Context, wasm []byte) (*program, error) {
	h := sha256.Sum256(wasm)
	if p := e.find(h); p != nil {
		return p, nil
	}
	e.compiling.Lock()
	defer e.compiling.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if p := e.find(h); p != nil {
		return p, nil
	}
	m, err := e.newMachine(ctx)
	if err != nil {
		return nil, err
	}
	within, err := bound(wasm)
	if err != nil {
		return nil, errors.Join(err, m.close(ctx))
	}
	compiled, err := e.compile(ctx, m, within.wasm)
	if err != nil {
		return nil, errors.Join(err, m.close(ctx))
	}
	p := &program{hash: h, machine: m, compiled: compiled, users: 1}
	if within.restorable {
		p.spare = &spare{globals: within.globals}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.programs[h] = p
	return p, nil
}

// find returns an identical module's program for one more user.
func (e *Engine) find(h hash) *program {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.programs[h]
	if p != nil {
		p.users++
	}
	return p
}

func (e *Engine) release(ctx context.Context, p *program) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.users--
	if p.users > 0 {
		return nil
	}
	delete(e.programs, p.hash)
	return p.machine.close(ctx)
}

func (e *Engine) compile(ctx context.Context, m *machine, wasm []byte) (wazero.CompiledModule, error) {
	// The compiler looks at it before each function.
	ctx, cancel := context.WithTimeout(ctx, longestCompilation)
	defer cancel()
	ctx = experimental.WithFunctionListenerFactory(ctx, listeners{})
	compiled, err := m.CompileModule(ctx, wasm)
	if ctx.Err() != nil && err != nil {
		return nil, fmt.Errorf("compiling takes longer than %s", longestCompilation)
	}
	if e.cache != nil {
		if err != nil {
			// It may be the cache's fault: an entry was damaged since it was
			// verified, or there is no room for a new one. The second attempt
			// works without that entry, or on what the first left in memory.
			if err := e.cache.verify(); err != nil {
				e.options.Log.Warn("verifying the cache of compiled modules failed", "error", err)
			}
			compiled, err = m.CompileModule(ctx, wasm)
		}
		if err := e.cache.seal(); err != nil {
			e.options.Log.Warn("sealing the cache of compiled modules failed", "error", err)
		}
	}
	if len(wasm) >= largeModule {
		debug.FreeOSMemory()
	}
	return compiled, err
}

package policy

import (
	"context"
	"crypto/sha256"
	"errors"
	"runtime/debug"

	"github.com/tetratelabs/wazero"
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
	within, err := bound(wasm)
	if err != nil {
		return nil, err
	}
	m, err := newMachine(ctx, e.mode, e.cache.path())
	if err != nil {
		return nil, err
	}
	compiled, err := e.compile(ctx, m, wasm, within.wasm)
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

// compile leaves the work to the other process, if there is one: what it kept is only
// read here. No bound of a module's content says exactly how much its compilation
// takes, and within this process none could be ended.
func (e *Engine) compile(ctx context.Context, m *machine, wasm, within []byte) (wazero.CompiledModule, error) {
	err := e.compileOutside(ctx, wasm)
	if err != nil {
		return nil, err
	}
	compiled, err := m.compile(ctx, within)
	if e.cache != nil {
		if err != nil {
			// It may be the cache's fault: an entry was damaged since it was
			// verified, or there is no room for a new one. The second attempt
			// works without that entry, or on what the first left in memory.
			e.verifyCache()
			compiled, err = m.compile(ctx, within)
		}
		e.sealCache()
	}
	if len(wasm) >= largeModule {
		debug.FreeOSMemory()
	}
	return compiled, err
}

// compileOutside has the other process compile a module. What cannot be kept is
// compiled here once more: it is known to take little.
func (e *Engine) compileOutside(ctx context.Context, wasm []byte) error {
	if e.options.Compiler == nil || e.mode != ModeCompiler {
		return nil
	}
	if e.cache == nil {
		return e.options.Compiler(ctx, "", wasm)
	}
	err := e.options.Compiler(ctx, e.cache.dir, wasm)
	if err != nil && !errors.Is(err, ErrCostly) && !errors.Is(err, ErrNotKept) && ctx.Err() == nil {
		e.verifyCache() // it may be the fault of a damaged entry
		err = e.options.Compiler(ctx, e.cache.dir, wasm)
	}
	if errors.Is(err, ErrNotKept) {
		e.options.Log.Warn("compiled modules are not kept on disk", "error", err)
		return nil
	}
	return err
}

func (e *Engine) verifyCache() {
	if err := e.cache.verify(); err != nil {
		e.options.Log.Warn("verifying the cache of compiled modules failed", "error", err)
	}
}

func (e *Engine) sealCache() {
	if err := e.cache.seal(); err != nil {
		e.options.Log.Warn("sealing the cache of compiled modules failed", "error", err)
	}
}

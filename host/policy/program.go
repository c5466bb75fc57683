package policy

import (
	"context"
	"crypto/sha256"
	"runtime/debug"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

type hash = [sha256.Size]byte

// program is compiled code. Modules with the same bytes share it: wazero counts
// the users of identical code, and a Close too many would take it from another
// module, so it is compiled and closed exactly once.
type program struct {
	hash     hash
	compiled wazero.CompiledModule
	users    int // modules, and evaluations under way
}

// largeModule is the size in bytes of modules whose compilation leaves garbage
// worth returning to the system at once: some 30 MiB for a Go module.
const largeModule = 256 << 10

// acquire compiles wasm, unless an identical module is there already.
func (e *Engine) acquire(ctx context.Context, wasm []byte) (*program, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := sha256.Sum256(wasm)
	p := e.programs[h]
	if p == nil {
		compiled, err := e.compile(ctx, wasm)
		if err != nil {
			return nil, err
		}
		p = &program{hash: h, compiled: compiled}
		e.programs[h] = p
	}
	p.users++
	return p, nil
}

func (e *Engine) release(ctx context.Context, p *program) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.users--
	if p.users > 0 {
		return nil
	}
	delete(e.programs, p.hash)
	return p.compiled.Close(ctx)
}

func (e *Engine) compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	wasm, err := bound(wasm)
	if err != nil {
		return nil, err
	}
	ctx = experimental.WithFunctionListenerFactory(ctx, listeners{})
	compiled, err := e.runtime.CompileModule(ctx, wasm)
	if e.cache != nil {
		if err != nil {
			// It may be the cache's fault: an entry was damaged since it was
			// verified, or there is no room for a new one. The second attempt
			// works without that entry, or on what the first left in memory.
			if err := e.cache.verify(); err != nil {
				e.options.Log.Warn("verifying the cache of compiled modules failed", "error", err)
			}
			compiled, err = e.runtime.CompileModule(ctx, wasm)
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

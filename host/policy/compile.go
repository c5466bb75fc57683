package policy

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// Compiler compiles a module in another process, which has Compile do it, and ends
// it if that takes too much time or memory. With a directory the code is kept there.
// An error that is ErrNotKept says that the module compiles, but that the code could
// not be kept; one that is ErrCostly, that the process was ended.
type Compiler func(ctx context.Context, cacheDir string, wasm []byte) error

// What a Compiler's errors may be.
var (
	// ErrNotKept is about the directory, not about the module.
	ErrNotKept = errors.New("the compiled module cannot be kept")
	// ErrCostly is about a module that takes too much to compile, and would again.
	ErrCostly = errors.New("too much for the compiler")
)

// Compile compiles a module as an Engine does, and keeps the code in a directory, or
// nowhere if that is empty.
func Compile(ctx context.Context, cacheDir string, wasm []byte) (err error) {
	within, err := bound(wasm)
	if err != nil {
		return err
	}
	m, err := newMachine(ctx, ModeCompiler, cacheDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close(ctx)) }()
	_, err = m.compile(ctx, within.wasm)
	if err != nil && cacheDir != "" {
		// The code is in memory, if there is any.
		if _, again := m.compile(ctx, within.wasm); again == nil {
			return fmt.Errorf("%w: %w", ErrNotKept, err)
		}
	}
	return err
}

// compile compiles a module: the listeners are part of the code. wazero panics over
// some that it should refuse, such as one with a function of a type that it does not
// have.
func (m *machine) compile(ctx context.Context, wasm []byte) (compiled wazero.CompiledModule, err error) {
	defer func() {
		if r := recover(); r != nil {
			compiled, err = nil, fmt.Errorf("invalid WebAssembly, over which wazero panics: %v", r)
		}
	}()
	return m.CompileModule(experimental.WithFunctionListenerFactory(ctx, listeners{}), wasm)
}

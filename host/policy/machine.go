package policy

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// machine is a wazero runtime with what modules may import. Each program has its
// own: a runtime keeps a page of code for every type of every module that it ever
// compiled with listeners, also after the module was closed, so that a daemon
// would grow with each reload. One takes half a millisecond to start.
type machine struct {
	wazero.Runtime
	cache wazero.CompilationCache // nil: in memory only
}

// newMachine starts one; compiled code is kept in cacheDir, or in memory only if that
// is empty.
func newMachine(ctx context.Context, mode, cacheDir string) (m *machine, err error) {
	defer func() {
		// wazero panics where it cannot map the code of its own trampolines.
		if r := recover(); r != nil {
			err = fmt.Errorf("start wazero: %v", r)
		}
	}()
	config := runtimeConfig(mode).
		// Loops look at the deadline; what does not loop is the listener's.
		WithCloseOnContextDone(true).
		// Debug sections of megabytes would be kept for nothing but traces.
		WithDebugInfoEnabled(false)
	m = &machine{}
	if cacheDir != "" {
		if m.cache, err = wazero.NewCompilationCacheWithDir(cacheDir); err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(m.cache)
	}
	m.Runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if err := exportFunctions(ctx, m); err != nil {
		return nil, errors.Join(fmt.Errorf("start wazero: %w", err), m.close(ctx))
	}
	listening := experimental.WithFunctionListenerFactory(ctx, descriptors{})
	if _, err := wasi_snapshot_preview1.Instantiate(listening, m); err != nil {
		return nil, errors.Join(fmt.Errorf("start wazero: %w", err), m.close(ctx))
	}
	return m, nil
}

func (m *machine) close(ctx context.Context) error {
	err := m.Close(ctx)
	if m.cache != nil {
		err = errors.Join(err, m.cache.Close(ctx))
	}
	return err
}

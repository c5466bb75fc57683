package author

import (
	"context"
	"time"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/policy"
)

// What a node may at most allow a module: what runs with less is for its configuration.
const (
	mostDeadline = 10 * time.Second
	mostMemory   = 1024 // MiB
)

// Fits tells why a daemon would not take a module, as far as that is told without facts;
// nil if nothing is wrong. It has to fit the ABI. It also has to start and to accept the
// settings of the sidecar if before does, the module in whose place it comes; nil if there
// is none: settings may come after their module, but an update may not cost a policy.
func Fits(ctx context.Context, name string, wasm, before []byte, sidecar dropin.Sidecar) (err error) {
	engine, err := newEngine(ctx, Options{Deadline: mostDeadline, Memory: mostMemory})
	if err != nil {
		return err
	}
	t := &trial{engine: engine}
	defer t.close(ctx, &err)
	load := func(wasm []byte) (*policy.Module, error) {
		t.file = dropin.Module{File: dropin.File{Name: name, Sidecar: sidecar}, Wasm: wasm}
		return t.load(ctx)
	}
	_, failed := load(wasm)
	if failed == nil {
		return nil
	}
	if !refused(failed) && ctx.Err() == nil {
		if before == nil {
			return nil
		}
		if _, err := load(before); err != nil {
			return nil // so nothing gets lost
		}
	}
	return t.moduleError(failed)
}

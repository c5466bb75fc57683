package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/snatd/snatd/examples"
	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/policy/wasmtest"
)

// dropInTarget is for a small module, beside the time that a file has to be left
// alone before it is taken.
const dropInTarget = 50 * time.Millisecond

// measureDropIn puts a module into the directory of a running daemon: the time
// goes from the file being in place until the daemon says that the kernel has
// changed. With a cold cache the daemon has never seen the module; with a warm one
// it has compiled the same before.
func measureDropIn(ctx context.Context, o options) (rows []row, err error) {
	s, end, err := newStarter(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	err = os.WriteFile(s.file("policies.d/10-bench.yaml"), []byte("config: {cidrs: 198.51.100.0/24}\n"), 0o600)
	if err != nil {
		return nil, err
	}
	var variants []variant
	var samples []sample
	err = s.with(ctx, func(ctx context.Context, daemon *lab.Process, _ time.Time) error {
		if err := until(ctx, daemon, "the daemon to be ready", s.ready); err != nil {
			return err
		}
		d := &dropper{s, daemon, 0}
		variants = []variant{
			d.variant("small module dropped in until the kernel has it, cold cache", smallModule("excluded"), true),
			d.variant("small module dropped in until the kernel has it, warm cache", smallModule("excluded"), false),
			d.variant("Go module dropped in until the kernel has it, cold cache", examples.ExcludeCIDRs(), true),
			d.variant("Go module dropped in until the kernel has it, warm cache", examples.ExcludeCIDRs(), false),
		}
		samples, err = o.rounds(ctx, 9, variants)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, v := range variants {
		target := 0.0
		if i < 2 {
			target = float64(dropInTarget)
		}
		rows = append(rows, newRow(v.name, inTime, samples[i], target))
	}
	return rows, nil
}

// dropper puts modules into a daemon's directory and takes them out again.
type dropper struct {
	*starter
	daemon  *lab.Process
	dropped int
}

func (d *dropper) variant(name string, wasm []byte, cold bool) variant {
	return variant{name, func(ctx context.Context) (float64, error) {
		content := wasm
		if cold { // another module each time, of the same code
			d.dropped++
			content = slices.Concat(wasm, wasmtest.Custom(d.dropped))
		} else if err := d.warm(ctx, wasm); err != nil {
			return 0, err
		}
		took, err := d.drop(ctx, content)
		return float64(took), errors.Join(err, d.remove(ctx))
	}}
}

// warm has the daemon compile a module.
func (d *dropper) warm(ctx context.Context, wasm []byte) error {
	_, err := d.drop(ctx, wasm)
	return errors.Join(err, d.remove(ctx))
}

func (d *dropper) drop(ctx context.Context, wasm []byte) (time.Duration, error) {
	if err := os.WriteFile(d.file("module.new"), wasm, 0o600); err != nil {
		return 0, err
	}
	return d.change(ctx, func() error { return os.Rename(d.file("module.new"), d.file("policies.d/10-bench.wasm")) })
}

func (d *dropper) remove(ctx context.Context) error {
	_, err := d.change(ctx, func() error { return os.Remove(d.file("policies.d/10-bench.wasm")) })
	return err
}

// change returns how long the kernel takes to change after do.
func (d *dropper) change(ctx context.Context, do func() error) (time.Duration, error) {
	client := api.NewClient(d.file("snatd.sock"))
	before, err := client.Status(ctx)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := do(); err != nil {
		return 0, err
	}
	err = until(ctx, d.daemon, "the change in the kernel", func(ctx context.Context) (bool, error) {
		status, err := client.Status(ctx)
		if err == nil && len(status.Problems) > 0 {
			err = fmt.Errorf("the daemon reports %v", status.Problems)
		}
		return status.Changes > before.Changes, err
	})
	return time.Since(begun), err
}

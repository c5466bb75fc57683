package policy

import (
	"context"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// hermetic configures an instance so that nothing a guest sees varies: no
// files, no network, no arguments, no environment, no input; time that only
// sleeping moves, and the same random bytes each time. What it writes is kept
// for errors.
func hermetic(i *instance) wazero.ModuleConfig {
	return wazero.NewModuleConfig().
		WithStdout(&i.output).
		WithStderr(&i.output).
		WithWalltime(i.clock.walltime, 1).
		WithNanotime(i.clock.nanotime, 1).
		WithNanosleep(i.clock.sleep).
		WithRandSource(&i.random)
}

// clock is virtual time: the nanoseconds that the guest has slept. A clock that
// moved with each look would fool the runtimes' own measurements (Go's collector
// limits itself by them), one that never moved would make a sleep last forever.
type clock int64

// epoch is the wall clock's start in seconds: 2000-01-01. Certificates and file
// formats dislike times before 1980.
const epoch = 946684800

func (c *clock) walltime() (sec int64, nsec int32) {
	return epoch + int64(*c)/1e9, int32(*c % 1e9)
}

// nanotime begins at 1: Go's runtime takes 0 for a broken clock.
func (c *clock) nanotime() int64 { return 1 + int64(*c) }

func (c *clock) sleep(ns int64) {
	if ns > 0 {
		*c += clock(ns)
	}
}

// output keeps the beginning of what a guest writes to its standard output and
// error: a language's runtime explains there why it gives up.
type output struct{ text []byte }

// maxOutput is in bytes: some screens of a stack trace.
const maxOutput = 2 << 10

func (o *output) Write(p []byte) (int, error) {
	o.text = append(o.text, p[:min(len(p), maxOutput-len(o.text))]...)
	return len(p), nil
}

// quoted returns the output as the end of an error message.
func (o *output) quoted() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(o.text), "\uFFFD"))
	if text == "" {
		return ""
	}
	return ": " + text
}

// descriptors notices the functions of WASI that change what the guest's
// descriptors are, which is the host's and cannot be restored.
type descriptors struct{}

func (descriptors) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	switch f.Name() {
	case "fd_close", "fd_fdstat_set_flags":
		return descriptors{}
	}
	return nil
}

func (descriptors) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	callOf(ctx).changed = true
}

func (descriptors) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

func (descriptors) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

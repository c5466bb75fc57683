package policy

import (
	"math/rand/v2"
	"strings"

	"github.com/tetratelabs/wazero"
)

// hermetic configures an instance so that nothing a guest sees varies: no
// files, no network, no arguments, no environment, no input; time that only
// sleeping moves, and the same random bytes each time. What it writes is kept
// for errors.
func hermetic(c *call) wazero.ModuleConfig {
	return wazero.NewModuleConfig().
		WithStdout(&c.output).
		WithStderr(&c.output).
		WithWalltime(c.clock.walltime, 1).
		WithNanotime(c.clock.nanotime, 1).
		WithNanosleep(c.clock.sleep).
		WithRandSource(rand.NewChaCha8([32]byte{}))
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
type output struct{ text strings.Builder }

// maxOutput is in bytes: some screens of a stack trace.
const maxOutput = 2 << 10

func (o *output) Write(p []byte) (int, error) {
	o.text.Write(p[:min(len(p), maxOutput-o.text.Len())])
	return len(p), nil
}

// quoted returns the output as the end of an error message.
func (o *output) quoted() string {
	text := strings.TrimSpace(strings.ToValidUTF8(o.text.String(), "\uFFFD"))
	if text == "" {
		return ""
	}
	return ": " + text
}

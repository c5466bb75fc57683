// Package compiler compiles policy modules in a process of their own, which has
// limits to its time and memory: a module that is made to take too much of them, or
// over which the compiler crashes, does not take the daemon with it.
//
// It has no capability, and opens no file but those of the cache.
//
// What compiling is, package policy knows. Nothing of a module runs here.
package compiler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/host/privilege"
	"github.com/snatd/snatd/sdk/abi"
)

const (
	// longestCPU is how long the process may compute. A Go program takes a second.
	longestCPU = abi.GivenCompileTime * time.Second
	// longest is how long it may take on a machine that has better to do.
	longest = 2 * time.Minute
	// mostMemory is what it may have, its own start included. A Go program of 3 MB
	// takes an eighth of it.
	mostMemory = abi.GivenCompileMemory
)

// Exit codes of the process; any other is of a process that was ended or crashed.
const (
	compiled = 0
	refused  = 10
	notKept  = 11
)

// New returns a Compiler whose processes are started as the command, with the
// directory behind it, and call Run.
func New(command ...string) policy.Compiler {
	return func(ctx context.Context, cacheDir string, wasm []byte) error {
		ctx, cancel := context.WithTimeout(ctx, longest)
		defer cancel()
		var said output
		process := exec.CommandContext(ctx, command[0], append(command[1:], cacheDir)...)
		process.Stdin, process.Stderr = bytes.NewReader(wasm), &said
		// One thread computes, and a crash is told in a line.
		process.Env = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}
		return explain(ctx, process.Run(), said.String())
	}
}

// explain says what the end of the process means.
func explain(ctx context.Context, err error, said string) error {
	ended := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() == context.Canceled:
		return ctx.Err()
	case ctx.Err() != nil:
		return fmt.Errorf("%w: compiling takes longer than %s", policy.ErrCostly, longest)
	case !errors.As(err, &ended):
		return fmt.Errorf("start a process that compiles: %w", err)
	}
	status := ended.Sys().(syscall.WaitStatus)
	switch {
	case ended.ExitCode() == refused:
		return errors.New(said)
	case ended.ExitCode() == notKept:
		return fmt.Errorf("%w: %s", policy.ErrNotKept, said)
	case status.Signal() == unix.SIGXCPU || status.Signal() == unix.SIGKILL:
		return fmt.Errorf("%w: compiling takes longer than %s of computing", policy.ErrCostly, longestCPU)
	case strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate memory"):
		return fmt.Errorf("%w: compiling takes more than %d MiB of memory", policy.ErrCostly, mostMemory>>20)
	}
	first, _, _ := strings.Cut(said, "\n")
	return fmt.Errorf("%w: the compiler crashes: %s: %s", policy.ErrCostly, ended.ProcessState, first)
}

// output keeps the beginning of what a process says.
type output struct{ strings.Builder }

func (o *output) Write(p []byte) (int, error) {
	const limit = 4 << 10
	o.WriteString(string(p[:min(len(p), limit-o.Len())]))
	return len(p), nil
}

// Run is the process: it compiles what it reads, says why not if it cannot, and
// returns its exit code.
func Run(ctx context.Context, cacheDir string, in io.Reader, out io.Writer) int {
	err := errors.Join(privilege.Keep(), privilege.Confine(cacheDir), limit())
	var wasm []byte
	if err == nil {
		wasm, err = io.ReadAll(in)
	}
	if err == nil {
		err = policy.Compile(ctx, cacheDir, wasm)
	}
	switch {
	case err == nil:
		return compiled
	case errors.Is(err, policy.ErrNotKept):
		fmt.Fprint(out, strings.TrimPrefix(err.Error(), policy.ErrNotKept.Error()+": "))
		return notKept
	}
	fmt.Fprint(out, err)
	return refused
}

// limit bounds what this process may take, for its life.
func limit() error {
	seconds := uint64(longestCPU / time.Second)
	return errors.Join(
		unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: mostMemory, Max: mostMemory}),
		unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds + 1}),
		giveWay(10),
	)
}

// giveWay makes this process as nice as that to others. Where it is nicer already it stays
// so: being less nice takes a capability.
func giveWay(nice int) error {
	// The kernel's answer is 20 less the niceness, so that it is never negative.
	if answer, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err != nil || 20-answer >= nice {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, 0, nice)
}

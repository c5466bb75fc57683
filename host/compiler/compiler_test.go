package compiler_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/compiler"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/host/policy/wasmtest"
)

const command = "compile-module"

// TestMain is the process that compiles where it is started as that.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == command {
		os.Exit(compiler.Run(context.Background(), os.Args[2], os.Stdin, os.Stderr))
	}
	os.Exit(m.Run())
}

func module() []byte {
	g := wasmtest.NewGuest()
	return g.Decide(0, g.Text("10.0.0.0/8"), g.Text("peered"), g.Exclude)
}

// An engine that runs what the other process has compiled, and one that has nowhere
// to keep it.
func TestEngine(t *testing.T) {
	for _, dir := range []string{filepath.Join(t.TempDir(), "cache"), ""} {
		engine, err := policy.NewEngine(t.Context(), policy.Options{CacheDir: dir, Compiler: compiler.New(os.Args[0], command)})
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := engine.Load(t.Context(), "10-test.wasm", module(), nil, policy.Grants{})
		if err != nil {
			t.Fatal(err)
		}
		evaluation, err := loaded.Decide(t.Context(), nil)
		if err != nil || len(evaluation.Decision.Entries) != 1 {
			t.Errorf("cache %q: %+v, %v", dir, evaluation, err)
		}
		if err := engine.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A daemon that is nicer than its compiler, and may not be less nice, compiles.
func TestNicer(t *testing.T) {
	done := make(chan error)
	go func() {
		// Both are the thread's, which ends with this goroutine.
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_NICE, 0, 0, 0); err != nil && !errors.Is(err, unix.EPERM) {
			done <- err
			return
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
			done <- err
			return
		}
		done <- compiler.New(os.Args[0], command)(t.Context(), filepath.Join(t.TempDir(), "cache"), module())
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		command []string
		dir     string
		wasm    []byte
		is      error
		want    string
	}{
		{"refused", []string{os.Args[0], command}, "", wasmtest.Raw(1, 0xff), nil, "malformed WebAssembly at byte 11"},
		{"no directory", []string{os.Args[0], command}, file, module(), nil, file},
		{"no such program", []string{missing}, "", module(), nil, "start a process that compiles: "},
		{"takes too much memory", []string{os.Args[0], command}, "", wasmtest.Costly(), policy.ErrCostly,
			"too much for the compiler: "}, // the race detector's memory ends in other words
		{"ended", []string{"/bin/sh", "-c", "kill -XCPU $$"}, "", module(), policy.ErrCostly,
			"too much for the compiler: compiling takes longer than 20s of computing"},
		{"crashes", []string{"/bin/sh", "-c", "echo broken >&2; exit 2"}, "", module(), policy.ErrCostly,
			"too much for the compiler: the compiler crashes: exit status 2: broken"},
		{"not kept", []string{"/bin/sh", "-c", "printf 'no space left' >&2; exit 11"}, "", module(), policy.ErrNotKept,
			"the compiled module cannot be kept: no space left"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := compiler.New(tt.command...)(t.Context(), tt.dir, tt.wasm)
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// Whoever gives up is told so, and the process is ended.
func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := compiler.New("/bin/sh", "-c", "read forever")(ctx, "", module()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

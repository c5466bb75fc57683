package policy

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

func TestLoadRefuses(t *testing.T) {
	sig := wasmtest.Sig
	tests := []struct {
		name string
		wasm func() []byte
		want string
	}{
		{"empty", func() []byte { return nil },
			`not WebAssembly, it begins with ""; accepted: a core module, which begins with "\x00asm"`},
		{"ELF", func() []byte { return []byte("\x7fELF\x02\x01") },
			`not WebAssembly, it begins with "\x7fELF"; accepted: a core module, which begins with "\x00asm"`},
		{"component", func() []byte { return []byte("\x00asm\x0d\x00\x01\x00") },
			"a WebAssembly component or an unknown version of WebAssembly; accepted: a core module, version 1"},
		{"unknown module", func() []byte {
			m := newGuest()
			m.Import("env", "foo", sig(0, 0))
			return m.decide(0)
		}, "imports env.foo; accepted: functions of the modules snat_v1 and wasi_snapshot_preview1"},
		{"unknown function", func() []byte {
			m := newGuest()
			m.Import(abi.Module, "route", sig(0, 0))
			return m.decide(0)
		}, "imports snat_v1.route; accepted from snat_v1: fact, fact_keys, exclude, translate, log, fail"},
		{"WASI function that is not hermetic", func() []byte {
			m := newGuest()
			m.Import(abi.WASIModule, "path_open", sig(9, 1))
			return m.decide(0)
		}, "imports wasi_snapshot_preview1.path_open; accepted from wasi_snapshot_preview1: " + strings.Join(abi.WASI, ", ")},
		{"wrong signature of an import", func() []byte {
			m := wasmtest.New()
			m.Import(abi.Module, abi.Fact, sig(2, 1))
			m.Func(abi.Decide, sig(0, 1), wasmtest.Const(0))
			return m.Bytes()
		}, "imports snat_v1.fact as (i32, i32) -> i32; accepted: (i32, i32, i32, i32) -> i32"},
		{"wrong signature of an export", func() []byte {
			m := wasmtest.New()
			m.Func(abi.Decide, wasmtest.Signature{Results: []byte{wasmtest.I64}}, wasmtest.Const64(0))
			return m.Bytes()
		}, "exports decide as () -> i64; accepted: () -> i32"},
		{"wrong signature of validate", func() []byte {
			m := newGuest()
			m.Func(abi.Validate, sig(1, 1), wasmtest.Const(0))
			return m.decide(0)
		}, "exports validate as (i32) -> i32; accepted: () -> i32"},
		{"no decide", func() []byte { return wasmtest.New().Bytes() },
			"exports no function decide; accepted: decide() -> i32"},
		{"command", func() []byte {
			m := wasmtest.New()
			m.Func("_start", sig(0, 0))
			return m.Bytes()
		}, "exports _start but not decide: it is a command; accepted: a reactor, which Go builds with -buildmode=c-shared"},
		{"no memory", func() []byte {
			m := newGuest()
			m.Pages = 0
			return m.decide(0)
		}, "exports no memory; accepted: its memory, exported as memory"},
		{"memory not exported", func() []byte {
			m := newGuest()
			m.Memory = ""
			return m.decide(0)
		}, "exports no memory; accepted: its memory, exported as memory"},
		{"memory exported by another name", func() []byte {
			m := newGuest()
			m.Memory = "mem"
			return m.decide(0)
		}, "exports no memory; accepted: its memory, exported as memory"},
		{"imported memory", func() []byte {
			m := newGuest()
			m.ImportMemory("env", "memory")
			return m.decide(0)
		}, "imports the memory env.memory; accepted: a memory of its own, exported as memory"},
		{"memory over the limit", func() []byte {
			m := newGuest()
			m.Pages = 257
			return m.decide(0)
		}, "needs 257 pages of memory; accepted: at most 256, of 64 KiB each"},
	}
	e := testEngine(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e.Load(context.Background(), "test", tt.wasm(), nil, Grants{})
			wantError(t, err, ClassLoad, tt.want)
		})
	}
	if len(e.programs) != 0 {
		t.Errorf("%d programs are left of refused modules", len(e.programs))
	}
}

func TestLoadRefusesGarbage(t *testing.T) {
	whole := newGuest().decide(0)
	e := testEngine(t, Options{})
	for _, wasm := range [][]byte{whole[:len(whole)-3], append(slices.Clone(coreHeader), 0xff, 0xff)} {
		_, err := e.Load(context.Background(), "test", wasm, nil, Grants{})
		if err == nil || !strings.HasPrefix(err.Error(), "policy test: load: ") {
			t.Errorf("got %v, want an error of class load", err)
		}
	}
}

func TestLoadRefusesWASISignature(t *testing.T) {
	m := newGuest()
	m.Import(abi.WASIModule, "sched_yield", wasmtest.Sig(3, 0))
	_, err := testEngine(t, Options{}).Load(context.Background(), "test", m.decide(0), nil, Grants{})
	if err == nil || !strings.Contains(err.Error(), "sched_yield") || !strings.Contains(err.Error(), "signature") {
		t.Errorf("got %v, want an error that names sched_yield and its signature", err)
	}
}

func TestValidate(t *testing.T) {
	config := map[string]string{"cidrs": "10.0.0.0/8"}
	tests := []struct {
		name     string
		validate func(g guestModule) [][]byte
		class    Class
		want     string
	}{
		{"accepts", func(guestModule) [][]byte { return [][]byte{wasmtest.Const(0)} }, "", ""},
		{"refuses", func(guestModule) [][]byte { return [][]byte{wasmtest.Const(3)} }, ClassFailed, "validate returned 3; accepted: 0"},
		{"fails with a message", func(g guestModule) [][]byte {
			return [][]byte{g.Text("config.cidrs: missing"), g.fail, wasmtest.Const(0)}
		}, ClassFailed, "config.cidrs: missing"},
		{"sees its configuration", func(g guestModule) [][]byte { // and returns 10 less than its length: 0
			return [][]byte{g.Text("config.cidrs"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Const(-10), wasmtest.Add}
		}, "", ""},
		{"decides nothing", func(g guestModule) [][]byte {
			return [][]byte{g.Text("10.0.0.0/8"), g.Text(""), g.exclude, wasmtest.Const(0)}
		}, ClassArgument, "exclude: called in validate; accepted in decide"},
	}
	e := testEngine(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest()
			g.Func(abi.Validate, wasmtest.Sig(0, 1), tt.validate(g)...)
			m, err := e.Load(context.Background(), "test", g.decide(0), config, Grants{})
			if tt.class == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Close(context.Background()); err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, tt.class, tt.want)
		})
	}
}

func TestLoadRefusesConfig(t *testing.T) {
	e := testEngine(t, Options{})
	wasm := newGuest().decide(0)
	tests := []struct {
		name       string
		key, value string
		want       string
	}{
		{"empty key", "", "x", "config: an empty key; accepted: a name"},
		{"long key", strings.Repeat("k", abi.MaxKey), "x", "config: a key of 1024 bytes; accepted: at most 1017"},
		{"long value", "k", strings.Repeat("v", abi.MaxValue+1), "config: k has 262145 bytes; accepted: at most 262144"},
		{"key with NUL", "a\x00b", "x", `config: "a\x00b" is not text; accepted: UTF-8, and no NUL in keys`},
		{"invalid value", "k", "\xff", `config: "k" is not text; accepted: UTF-8, and no NUL in keys`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e.Load(context.Background(), "test", wasm, map[string]string{tt.key: tt.value}, Grants{})
			wantError(t, err, ClassLoad, tt.want)
		})
	}
}

func TestIdenticalModulesShareCode(t *testing.T) {
	ctx := context.Background()
	e := testEngine(t, Options{})
	g := newGuest()
	wasm := g.decide(0, g.Text("10.0.0.0/8"), g.Text(""), g.exclude)
	first, second := load(t, e, wasm, Grants{}), load(t, e, wasm, Grants{})
	if len(e.programs) != 1 {
		t.Fatalf("%d programs, want 1", len(e.programs))
	}
	for range 2 { // the second Close of one must not be the other's
		if err := first.Close(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := decide(second, noFacts); err != nil {
		t.Errorf("after the other was closed: %v", err)
	}
	_, err := decide(first, noFacts)
	wantError(t, err, ClassClosed, "the module is closed")
	if err := second.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if len(e.programs) != 0 {
		t.Errorf("%d programs after the last Close, want 0", len(e.programs))
	}
	third := load(t, e, wasm, Grants{})
	if _, err := decide(third, noFacts); err != nil {
		t.Errorf("loaded again: %v", err)
	}
}

package policy

import (
	"bytes"
	"context"
	"math"
	"testing"
	"time"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// TestRunaway lets guests misbehave in decide. Each must end with its own
// error, and leave the engine able to run the next.
func TestRunaway(t *testing.T) {
	const unlimited = math.MaxInt32
	wasiExit := func(code int32) func(g guestModule) []byte {
		return func(g guestModule) []byte {
			exit := g.Import(abi.WASIModule, "proc_exit", wasmtest.Sig(1, 0))
			return g.decide(0, wasmtest.Const(code), wasmtest.Call(exit))
		}
	}
	tests := []struct {
		name    string
		options Options
		wasm    func(g guestModule) []byte
		class   Class
		want    string
	}{
		{"endless loop", Options{Deadline: 200 * time.Millisecond},
			func(g guestModule) []byte { return g.decide(0, wasmtest.Forever()) },
			ClassDeadline, "decide took longer than 200ms"},
		{"endless loop of host calls", Options{Deadline: 200 * time.Millisecond},
			func(g guestModule) []byte {
				return g.decide(0, wasmtest.Forever(g.Text("k"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop))
			},
			ClassDeadline, "decide took longer than 200ms"},
		{"endless recursion", Options{CallBudget: 1000},
			func(g guestModule) []byte {
				self := g.Func("", wasmtest.Sig(0, 0), wasmtest.Call(g.Next()))
				return g.decide(0, wasmtest.Call(self))
			},
			ClassBudget, "decide made more than 1000 function calls"},
		// Two calls at each of 60 levels: neither deep nor a loop, but it would
		// outlive the node.
		{"recursion like a tree", Options{CallBudget: 100_000}, tree,
			ClassBudget, "decide made more than 100000 function calls"},
		{"recursion like a tree, within the budget", Options{CallBudget: unlimited, Deadline: 200 * time.Millisecond}, tree,
			ClassDeadline, "decide took longer than 200ms"},
		{"memory past the limit", Options{MemoryPages: 4},
			func(g guestModule) []byte {
				return g.decide(0,
					wasmtest.Const(3), wasmtest.Grow, wasmtest.Drop, // to the limit
					wasmtest.Const(1), wasmtest.Grow, wasmtest.Const(1), wasmtest.Add, // 0 if refused
					wasmtest.Equals0, wasmtest.If(wasmtest.Unreachable))
			},
			ClassMemory, "refused more than 4 pages of 64 KiB, then: unreachable in $6"},
		{"table past the limit", Options{},
			func(g guestModule) []byte {
				g.Table(0, 0)
				return g.decide(0, wasmtest.Forever(wasmtest.Const(1<<15), wasmtest.GrowTable(0, 0),
					wasmtest.Const(1), wasmtest.Add, wasmtest.Equals0, wasmtest.If(wasmtest.Unreachable))) // where it is refused
			},
			ClassTrap, "unreachable in $6"},
		{"trap", Options{},
			func(g guestModule) []byte { return g.decide(0, wasmtest.Unreachable) },
			ClassTrap, "unreachable in $6"},
		{"trap inside", Options{},
			func(g guestModule) []byte {
				inner := g.Func("", wasmtest.Sig(0, 0), wasmtest.Const(-1), wasmtest.Load8, wasmtest.Drop)
				return g.decide(0, wasmtest.Call(inner))
			},
			ClassTrap, "out of bounds memory access in $6, called by $7"},
		{"exit", Options{}, wasiExit(2), ClassExit, "decide exited with code 2"},
		{"exit without an error", Options{}, wasiExit(0), ClassExit, "decide exited with code 0"},
		{"exit that looks like a deadline", Options{}, wasiExit(-1), ClassExit, "decide exited with code 4294967295"},
		{"error code", Options{}, func(g guestModule) []byte { return g.decide(7) },
			ClassFailed, "decide returned 7; accepted: 0 (decided) or 1 (no opinion)"},
		{"negative error code", Options{}, func(g guestModule) []byte { return g.decide(-1) },
			ClassFailed, "decide returned -1; accepted: 0 (decided) or 1 (no opinion)"},
		{"fail", Options{}, func(g guestModule) []byte { return g.decide(0, g.Text("vpc.cidrs: missing"), g.fail) },
			ClassFailed, "vpc.cidrs: missing"},
		{"fail after excludes", Options{}, func(g guestModule) []byte {
			return g.decide(0, g.Text("10.0.0.0/8"), g.Text(""), g.exclude, g.Text("changed my mind\xff"), g.fail)
		}, ClassFailed, "changed my mind\uFFFD"},
	}
	for _, mode := range modes() {
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				e := testEngineIn(t, mode, tt.options)
				m := load(t, e, tt.wasm(newGuest()), Grants{})
				got, err := decide(m, noFacts)
				wantError(t, err, tt.class, tt.want)
				if len(got.Decision.Entries) != 0 || len(got.Reads) != 0 {
					t.Errorf("a failed evaluation left %+v", got)
				}
				g := newGuest()
				if _, err := decide(load(t, e, g.decide(0), Grants{}), noFacts); err != nil {
					t.Errorf("the next guest: %v", err)
				}
			})
		}
	}
}

func tree(g guestModule) []byte {
	self := wasmtest.Call(g.Next())
	less := bytes.Join([][]byte{wasmtest.Get(0), wasmtest.Const(-1), wasmtest.Add}, nil)
	grow := g.Func("", wasmtest.Sig(1, 0), wasmtest.Get(0), wasmtest.If(less, self, less, self))
	return g.decide(0, wasmtest.Const(60), wasmtest.Call(grow))
}

// TestRunawayStart: what fails before anything is decided is refused at load.
func TestRunawayStart(t *testing.T) {
	initialize := func(g guestModule, code ...[]byte) []byte {
		g.Func(abi.Initialize, wasmtest.Sig(0, 0), code...)
		return g.decide(0)
	}
	tests := []struct {
		name  string
		wasm  func(g guestModule) []byte
		class Class
		want  string
	}{
		{"start traps", func(g guestModule) []byte {
			g.Start(g.Func("", wasmtest.Sig(0, 0), wasmtest.Unreachable))
			return g.decide(0)
		}, ClassTrap, "unreachable in $6"},
		{"_initialize traps", func(g guestModule) []byte { return initialize(g, wasmtest.Unreachable) },
			ClassTrap, "unreachable in $6"},
		{"start loops", func(g guestModule) []byte {
			g.Start(g.Func("", wasmtest.Sig(0, 0), wasmtest.Forever()))
			return g.decide(0)
		}, ClassDeadline, "_initialize took longer than 200ms"},
		{"_initialize loops", func(g guestModule) []byte { return initialize(g, wasmtest.Forever()) },
			ClassDeadline, "_initialize took longer than 200ms"},
		{"exit", func(g guestModule) []byte {
			exit := g.Import(abi.WASIModule, "proc_exit", wasmtest.Sig(1, 0))
			return initialize(g, wasmtest.Const(0), wasmtest.Call(exit))
		}, ClassExit, "_initialize exited with code 0"},
		{"reads facts", func(g guestModule) []byte {
			return initialize(g, g.Text("k"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop)
		}, ClassArgument, "fact: called in _initialize; accepted in decide, validate"},
	}
	for _, mode := range modes() {
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				options := Options{}
				if tt.class == ClassDeadline {
					options.Deadline = 200 * time.Millisecond / startFactor
				}
				_, err := testEngineIn(t, mode, options).Load(context.Background(), "test", tt.wasm(newGuest()), nil, Grants{})
				wantError(t, err, tt.class, tt.want)
			})
		}
	}
}

// TestMemoryRefusedGracefully: a guest that can do without is none the worse.
func TestMemoryRefusedGracefully(t *testing.T) {
	g := newGuest()
	m := load(t, testEngine(t, Options{}), g.decide(0, wasmtest.Const(1000), wasmtest.Grow, wasmtest.Drop), Grants{})
	if _, err := decide(m, noFacts); err != nil {
		t.Error(err)
	}
}

// TestOutput: what a guest writes to its standard error explains its end.
func TestOutput(t *testing.T) {
	g := newGuest()
	write := g.Import(abi.WASIModule, "fd_write", wasmtest.Sig(4, 1))
	g.Text("\x08\x00\x00\x00\x1a\x00\x00\x00out of luck\n\n \x1b[31m\ttwice\n") // an iovec, and what it points to
	m := load(t, testEngine(t, Options{}), g.decide(0,
		wasmtest.Const(2), wasmtest.Const(0), wasmtest.Const(1), wasmtest.Const(100), wasmtest.Call(write), wasmtest.Drop,
		wasmtest.Unreachable), Grants{})
	_, err := decide(m, noFacts)
	wantError(t, err, ClassTrap, "unreachable in $7: out of luck | [31m twice")
}

func TestOutputIsCapped(t *testing.T) {
	var o output
	for range 3 {
		if n, err := o.Write(bytes.Repeat([]byte("x"), maxOutput-10)); n != maxOutput-10 || err != nil {
			t.Fatalf("write returned %d, %v", n, err)
		}
	}
	if got := len(o.text); got != maxOutput {
		t.Errorf("kept %d bytes, want %d", got, maxOutput)
	}
}

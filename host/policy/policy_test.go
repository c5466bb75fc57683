package policy

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// patient is a deadline that a loaded machine does not miss.
const patient = time.Minute

// modes are the ways wazero runs guests on this machine.
func modes() []string {
	if detectMode() == ModeCompiler {
		return []string{ModeCompiler, ModeInterpreter}
	}
	return []string{ModeInterpreter}
}

func testEngine(t testing.TB, options Options) *Engine {
	t.Helper()
	return testEngineIn(t, detectMode(), options)
}

func testEngineIn(t testing.TB, mode string, options Options) *Engine {
	t.Helper()
	if options.Deadline == 0 {
		options.Deadline = patient
	}
	e, err := newEngine(context.Background(), options, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// load loads a module that must be accepted. It is called "test".
func load(t testing.TB, e *Engine, wasm []byte, grants Grants) *Module {
	t.Helper()
	m, err := e.Load(context.Background(), "test", wasm, nil, grants)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// guestModule is a module that imports every function of the ABI.
type guestModule struct {
	*wasmtest.Module
	fact, factKeys, exclude, translate, log, fail []byte // calls
}

func newGuest() guestModule {
	g := wasmtest.NewGuest()
	return guestModule{g.Module, g.Fact, g.FactKeys, g.Exclude, g.Translate, g.Log, g.Fail}
}

// decide adds the export: code, then the result.
func (g guestModule) decide(result int32, code ...[]byte) []byte {
	g.Func(abi.Decide, wasmtest.Sig(0, 1), append(code, wasmtest.Const(result))...)
	return g.Bytes()
}

// wantError checks an error's class and exact message.
func wantError(t *testing.T, err error, class Class, message string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *Error", err, err)
	}
	if e.Class != class || e.Message != message {
		t.Errorf("got  %s: %s\nwant %s: %s", e.Class, e.Message, class, message)
	}
	if e.Module != "test" {
		t.Errorf("module is %q, want test", e.Module)
	}
}

func decide(p Policy, facts sdk.Source) (Evaluation, error) {
	return p.Decide(context.Background(), facts)
}

// counting counts the evaluations of a policy.
type counting struct {
	Policy
	calls int
}

func (c *counting) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	c.calls++
	return c.Policy.Decide(ctx, facts)
}

func (c *counting) view(facts sdk.Source) sdk.Source { return c.Policy.(viewer).view(facts) }

var (
	prefix  = netip.MustParsePrefix
	address = netip.MustParseAddr
)

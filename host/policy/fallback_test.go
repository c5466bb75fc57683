package policy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk"
)

// failing is a policy that fails with an error, if there is one.
type failing struct {
	Policy
	err    error
	closed int
}

func (f *failing) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	if f.err != nil {
		return Evaluation{}, f.err
	}
	return f.Policy.Decide(ctx, facts)
}

func (f *failing) Close(ctx context.Context) error {
	f.closed++
	return f.Policy.Close(ctx)
}

func TestFallback(t *testing.T) {
	trap, refusal := errorf("default", ClassTrap, "unreachable"), errorf("default", ClassFailed, "bad facts")
	tests := []struct {
		name            string
		module, native  error
		wantReason, log string
		want            error
	}{
		{"the module decides", nil, nil, "module", "", nil},
		{"the module fails", trap, nil, "native", "class=trap error=unreachable", nil},
		{"both fail", trap, refusal, "", "", trap},
		{"the caller gives up", context.Canceled, nil, "", "", context.Canceled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			module := &failing{Policy: excluding("default", "module"), err: tt.module}
			native := &failing{Policy: excluding("default", "native"), err: tt.native}
			p := WithFallback(module, native, slog.New(slog.NewTextHandler(&out, nil)))
			got, err := decide(p, noFacts)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && got.Decision.Entries[0].Reason != tt.wantReason {
				t.Errorf("decided by %s, want %s", got.Decision.Entries[0].Reason, tt.wantReason)
			}
			if !strings.Contains(out.String(), tt.log) || tt.log == "" && out.Len() > 0 {
				t.Errorf("log is %q, want %q", out.String(), tt.log)
			}
			if err := p.Close(context.Background()); err != nil || module.closed != 1 || native.closed != 1 {
				t.Errorf("closed %d and %d times, %v; want both once", module.closed, native.closed, err)
			}
		})
	}
}

// TestMemoOfFallback: the facts that the module sees are those that are
// compared, also with a source that has configuration of its own.
func TestMemoOfFallback(t *testing.T) {
	g := newGuest()
	wasm := g.decide(0, g.Text("config.a"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop)
	counted := &counting{Policy: load(t, testEngine(t, Options{}), wasm, Grants{})}
	p := Memoize(WithFallback(counted, excluding("default", "native"), slog.New(slog.DiscardHandler)))
	for range 3 {
		if _, err := decide(p, sdk.Map{"config.a": "foreign"}); err != nil {
			t.Fatal(err)
		}
	}
	if counted.calls != 1 {
		t.Errorf("%d evaluations, want 1", counted.calls)
	}
}

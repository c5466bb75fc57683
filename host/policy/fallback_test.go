package policy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

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

// TestFallbackTriesAgain: a module that failed is not asked for every subject, but
// again when it is due, and nothing of the native one is remembered.
func TestFallbackTriesAgain(t *testing.T) {
	module := &runaway{Policy: excluding("default", ""), class: ClassDeadline}
	f := WithFallback(module, excluding("default", ""), slog.New(slog.DiscardHandler))
	clock := time.Unix(0, 0)
	f.now = func() time.Time { return clock }
	memo := Memoize(f)
	ask := func(slow bool, wantRuns int, wantFailure bool) {
		t.Helper()
		facts := sdk.Map{}
		if slow {
			facts["slow"] = "true"
		}
		if _, err := memo.Decide(context.Background(), facts); err != nil {
			t.Fatal(err)
		}
		if len(module.runs) != wantRuns || (f.Failure() != nil) != wantFailure || f.NextTry().IsZero() == wantFailure {
			t.Errorf("%d runs of the module, failure %v, next try %s; want %d, %v",
				len(module.runs), f.Failure(), f.NextTry(), wantRuns, wantFailure)
		}
	}
	ask(true, 1, true)
	ask(true, 1, true)
	clock = f.NextTry()
	ask(true, 2, true)
	if pause := f.NextTry().Sub(clock); pause != Backoff(2) {
		t.Errorf("the second pause is %s, want %s", pause, Backoff(2))
	}
	clock = f.NextTry()
	ask(false, 3, false)
	ask(false, 3, false) // remembered
	if _, err := f.Decide(context.Background(), sdk.Map{"slow": "true"}); err != nil {
		t.Fatal(err)
	}
	f.Reset() // nobody has facts any more that the module fails on
	ask(false, 4, false)
}

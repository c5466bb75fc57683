package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// TestAdversaries: each guest that does harm ends with its own error, or is left
// to do what does no harm, and the next guest of the same engine is none the worse.
func TestAdversaries(t *testing.T) {
	names := map[string]bool{}
	for _, mode := range modes() {
		e := testEngineIn(t, mode, Options{Deadline: patient})
		late := testEngineIn(t, mode, Options{Deadline: 200 * time.Millisecond})
		good := load(t, e, newGuest().decide(0), Grants{})
		for _, a := range wasmtest.Adversaries() {
			if a.Gzip {
				continue // not for the engine
			}
			names[mode+a.Name] = true
			t.Run(mode+"/"+a.Name, func(t *testing.T) {
				engine := e
				if a.Class == string(ClassDeadline) {
					engine = late
				}
				meet(t, engine, a)
				if _, err := decide(good, noFacts); err != nil {
					t.Errorf("the next guest: %v", err)
				}
			})
		}
		if programs := len(e.programs) + len(late.programs); programs != 1 {
			t.Errorf("%s: %d programs are left, want the good one", mode, programs)
		}
	}
	if len(names) < 100 {
		t.Errorf("only %d adversaries have names of their own", len(names))
	}
}

// meet loads an adversary, lets it decide for some subjects, and compares what
// comes of it with what must.
func meet(t *testing.T, e *Engine, a wasmtest.Adversary) {
	t.Helper()
	m, err := e.Load(context.Background(), "test", a.Bytes(), nil, Grants{})
	if a.Refused != (err != nil) {
		t.Fatalf("loading it: %v", err)
	}
	if err != nil {
		wantOutcome(t, err, a)
		return
	}
	defer func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	want := rules.Decision{Module: "test"}
	if a.Reason == wasmtest.Some {
		first, err := decide(m, noFacts)
		if err != nil || len(first.Decision.Entries) != 1 {
			t.Fatalf("the first decision is %v, %v", first.Decision, err)
		}
		want = first.Decision
	} else if a.Reason != "" {
		want.Entries = []rules.Entry{{Prefix: prefix(wasmtest.Excluded), Outcome: rules.Outcome{Action: rules.Exclude}, Reason: a.Reason}}
	}
	for i := range 3 {
		got, err := decide(m, sdk.Map{"subject.kind": "pod", "pod.name": fmt.Sprint("web-", i)})
		if a.Class != "" {
			want = rules.Decision{}
			wantOutcome(t, err, a)
		} else if err != nil {
			t.Fatalf("subject %d: %v", i, err)
		}
		if diff := cmp.Diff(want, got.Decision, compare); diff != "" {
			t.Errorf("subject %d: decision (-want +got):\n%s", i, diff)
		}
	}
}

func wantOutcome(t *testing.T, err error, a wasmtest.Adversary) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *Error", err, err)
	}
	message := e.Message
	switch {
	case e.Class == ClassDeadline:
		message = message[:strings.LastIndex(message, " ")+1]
	case e.Class == ClassTrap && strings.HasPrefix(message, wasmtest.Overflow):
		if message = wasmtest.Overflow; a.Class == string(ClassBudget) {
			return
		}
	}
	if string(e.Class) != a.Class || message != a.Message {
		t.Errorf("got  %s: %s\nwant %s: %s", e.Class, e.Message, a.Class, a.Message)
	}
}

package policy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// byZone is a policy whose reads depend on what it read.
func byZone(facts sdk.Facts, decision *sdk.Decision) error {
	zone, ok := facts.NodeZone()
	if !ok {
		return errors.New("no zone")
	}
	if zone == "b" {
		if app, _ := facts.PodLabel("app"); app == "web" {
			decision.Exclude(sdk.Everywhere, "web in zone b")
		}
		return nil
	}
	for range facts.PodLabelKeys() {
		decision.Exclude(prefix("10.0.0.0/8"), "labelled")
	}
	return nil
}

func TestMemo(t *testing.T) {
	counted := &counting{Policy: Native("test", byZone, Grants{})}
	p := Memoize(counted)
	steps := []struct {
		what  string
		facts sdk.Map
		calls int
	}{
		{"first", sdk.Map{"node.zone": "b", "pod.label.app": "web", "pod.name": "web-1"}, 1},
		{"the same again", sdk.Map{"node.zone": "b", "pod.label.app": "web", "pod.name": "web-1"}, 0},
		{"a replica", sdk.Map{"node.zone": "b", "pod.label.app": "web", "pod.name": "web-2"}, 0},
		{"a label that is not read", sdk.Map{"node.zone": "b", "pod.label.app": "web", "pod.label.x": "y"}, 0},
		{"a label that is read", sdk.Map{"node.zone": "b", "pod.label.app": "db"}, 1},
		{"without that label", sdk.Map{"node.zone": "b"}, 1},
		{"with that label, empty", sdk.Map{"node.zone": "b", "pod.label.app": ""}, 1},
		{"another zone", sdk.Map{"node.zone": "a", "pod.label.x": "y"}, 1},
		{"another value under the same keys", sdk.Map{"node.zone": "a", "pod.label.x": "z"}, 0},
		{"another key", sdk.Map{"node.zone": "a", "pod.label.y": "z"}, 1},
		{"an error", sdk.Map{}, 1},
		{"errors are not remembered", sdk.Map{}, 1},
		{"what was remembered still is", sdk.Map{"node.zone": "b", "pod.label.app": "web"}, 0},
	}
	for _, step := range steps {
		want, wantErr := decide(counted.Policy, step.facts)
		before := counted.calls
		got, err := decide(p, step.facts)
		if calls := counted.calls - before; calls != step.calls {
			t.Errorf("%s: %d evaluations, want %d", step.what, calls, step.calls)
		}
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: error %v, want %v", step.what, err, wantErr)
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Errorf("%s: evaluation (-want +got):\n%s", step.what, diff)
		}
	}
}

// TestMemoOfModule: the configuration is the module's, not the source's.
func TestMemoOfModule(t *testing.T) {
	g := newGuest()
	wasm := g.decide(0,
		g.Text("config.a"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop,
		g.Text("pod.label.app"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop,
		g.Text("10.0.0.0/8"), g.Text(""), g.exclude)
	m, err := testEngine(t, Options{}).Load(context.Background(), "test", wasm, map[string]string{"a": "1"}, Grants{})
	if err != nil {
		t.Fatal(err)
	}
	counted := &counting{Policy: m}
	p := Memoize(counted)
	for i := range 10 {
		if _, err := decide(p, sdk.Map{"pod.name": fmt.Sprint(i), "config.a": fmt.Sprint(i), "pod.label.app": "web"}); err != nil {
			t.Fatal(err)
		}
	}
	if counted.calls != 1 {
		t.Errorf("%d evaluations of ten equal pods, want 1", counted.calls)
	}
	if err := p.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := decide(p, sdk.Map{"pod.label.app": "web"}); err == nil {
		t.Error("a closed policy decides")
	}
}

// TestMemoIsInvisible holds a memoised policy against the same one without, on
// random facts that often agree.
func TestMemoIsInvisible(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	plain := Native("test", byZone, Grants{})
	counted := &counting{Policy: plain}
	memoised := Memoize(counted)
	const rounds = 5000
	for range rounds {
		facts := sdk.Map{}
		for _, key := range []string{"node.zone", "pod.label.app", "pod.label.x", "pod.name"} {
			if random.IntN(3) > 0 {
				facts[key] = []string{"a", "b", "web"}[random.IntN(3)]
			}
		}
		want, wantErr := decide(plain, facts)
		got, err := decide(memoised, facts)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%v: error %v, want %v", facts, err, wantErr)
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Fatalf("%v: evaluation (-want +got):\n%s", facts, diff)
		}
	}
	if counted.calls > rounds/2 {
		t.Errorf("%d evaluations of %d, most of which were seen before", counted.calls, rounds)
	}
}

// TestMemoIsBounded: a policy that reads what every pod has for itself cannot
// fill the memory.
func TestMemoIsBounded(t *testing.T) {
	p := Memoize(Native("test", func(facts sdk.Facts, decision *sdk.Decision) error {
		_, _ = facts.PodName()
		return nil
	}, Grants{})).(*memo)
	long := strings.Repeat("x", memoLimit/50)
	for i := range 200 {
		if _, err := decide(p, sdk.Map{"pod.name": fmt.Sprint(long, i)}); err != nil {
			t.Fatal(err)
		}
		if p.size > memoLimit {
			t.Fatalf("%d bytes are remembered, want at most %d", p.size, memoLimit)
		}
	}
}

// TestTrieContradiction: evaluations that cannot be of one function replace
// each other and never mix.
func TestTrieContradiction(t *testing.T) {
	evaluation := func(name string, reads ...Read) *Evaluation {
		return &Evaluation{Decision: rules.Decision{Module: name}, Reads: reads}
	}
	a, b := Read{Key: "a", Value: "1", Found: true}, Read{Key: "b", Value: "2", Found: true}
	facts := sdk.Map{"a": "1", "b": "2"}
	root := &node{}
	if root.walk(facts) != nil {
		t.Error("an empty trie has an evaluation")
	}
	for i, e := range []*Evaluation{
		evaluation("reads a", a), evaluation("reads a and b", a, b), evaluation("reads b", b),
		evaluation("reads nothing"), evaluation("reads b and a", b, a), evaluation("reads b again", b),
	} {
		root.insert(e)
		if got := root.walk(facts); got != e {
			t.Errorf("after %d insertions: got %v, want the last one", i+1, got)
		}
	}
}

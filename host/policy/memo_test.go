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
	"github.com/snatd/snatd/sdk/abi"
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
	counted := &counting{Policy: Native("test", byZone, Grants{}, nil)}
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
	plain := Native("test", byZone, Grants{}, nil)
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
// fill the memory, neither with what is remembered nor with what it returns.
func TestMemoIsBounded(t *testing.T) {
	p := Memoize(Native("test", func(facts sdk.Facts, decision *sdk.Decision) error {
		name, _ := facts.PodName()
		decision.Exclude(sdk.Everywhere, name[len(name)-3:])
		return nil
	}, Grants{}, nil)).(*memo)
	long := strings.Repeat("x", abi.MaxValue-10)
	pass := func(from, to, wantReads int) {
		t.Helper()
		reads := 0
		for i := from; i < to; i++ {
			e, err := decide(p, sdk.Map{"pod.name": fmt.Sprintf("%s%03d", long, i)})
			if err != nil || e.Decision.Entries[0].Reason != fmt.Sprintf("%03d", i) {
				t.Fatalf("pod %d: %v, %v", i, e.Decision.Entries, err)
			}
			reads += len(e.Reads)
		}
		if p.held.size > memoLimit {
			t.Errorf("%d bytes are remembered, want at most %d", p.held.size, memoLimit)
		}
		if reads != wantReads {
			t.Errorf("%d evaluations have their reads, want %d", reads, wantReads)
		}
	}
	const fit = 127 // of 256 KiB in 32 MiB
	pass(0, 200, fit)
	p.forget()
	pass(100, 200, 100) // what the last pass did not use made room
	for range 2 * keptPasses {
		p.forget()
	}
	if p.held.size != 0 {
		t.Errorf("%d bytes are left of nothing", p.held.size)
	}
}

// TestMemoOfLargeEvaluation: what is larger than all that may be remembered does
// not drive out what is.
func TestMemoOfLargeEvaluation(t *testing.T) {
	p := Memoize(Native("test", byZone, Grants{}, nil)).(*memo)
	if _, err := decide(p, sdk.Map{"node.zone": "b"}); err != nil {
		t.Fatal(err)
	}
	before := p.held.size
	p.store(Evaluation{Reads: []Read{{Key: "a", Value: strings.Repeat("x", memoLimit)}}})
	if _, ok := p.recall(sdk.Map{"node.zone": "b"}); !ok || p.held.size != before {
		t.Errorf("%d bytes are remembered, want %d still", p.held.size, before)
	}
}

// TestMemoOfManyPods: a policy that tells every pod from every other is
// remembered for all pods of a full node, with a thousand prefixes each.
func TestMemoOfManyPods(t *testing.T) {
	const pods, prefixes = 250, 1000
	decide := func(t *testing.T, alike bool) (*memo, *counting, []Evaluation) {
		t.Helper()
		counted := &counting{Policy: Native("test", func(facts sdk.Facts, decision *sdk.Decision) error {
			name, _ := facts.PodName()
			if alike {
				name = "pod"
			}
			for i := range prefixes {
				decision.Exclude(prefix(fmt.Sprintf("10.%d.%d.0/24", i/250, i%250)), "the own prefixes of "+name)
			}
			return nil
		}, Grants{}, nil)}
		p := Memoize(counted).(*memo)
		var evaluations []Evaluation
		for range 2 {
			evaluations = nil
			for i := range pods {
				e, err := p.Decide(context.Background(), sdk.Map{"pod.name": fmt.Sprint("web-", i)})
				if err != nil {
					t.Fatal(err)
				}
				evaluations = append(evaluations, e)
			}
		}
		if counted.calls != pods {
			t.Errorf("%d evaluations of %d pods, each decided twice", counted.calls, pods)
		}
		return p, counted, evaluations
	}
	t.Run("different decisions", func(t *testing.T) {
		p, _, _ := decide(t, false)
		if p.held.size < pods*prefixes*80 || p.held.size > memoLimit {
			t.Errorf("%d bytes are counted, want what %d entries take, and at most %d", p.held.size, pods*prefixes, memoLimit)
		}
	})
	t.Run("the same decision", func(t *testing.T) {
		p, _, evaluations := decide(t, true)
		for _, e := range evaluations {
			if &e.Decision.Entries[0] != &evaluations[0].Decision.Entries[0] {
				t.Fatal("equal decisions are not the same memory")
			}
		}
		if p.held.size > 1<<20 {
			t.Errorf("%d bytes are counted of one decision", p.held.size)
		}
	})
}

// TestMemoForgets: what is not used for some passes goes, and the memory that is
// counted is that of the rest.
func TestMemoForgets(t *testing.T) {
	counted := &counting{Policy: Native("test", byZone, Grants{}, nil)}
	p := Memoize(counted).(*memo)
	decide := func(wantCalls int, apps ...string) {
		t.Helper()
		before := counted.calls
		for _, app := range apps {
			if _, err := p.Decide(context.Background(), sdk.Map{"node.zone": "b", "pod.label.app": app}); err != nil {
				t.Fatal(err)
			}
		}
		if got := counted.calls - before; got != wantCalls {
			t.Errorf("%d evaluations of %q, want %d", got, apps, wantCalls)
		}
	}
	decide(1, "web")
	p.forget()
	one := p.held.size
	decide(2, "web", "db", "cache")
	p.forget()
	decide(0, "web")
	p.forget()
	decide(0, "web", "db", "cache") // they are back soon
	for range 2 * keptPasses {
		p.forget()
		decide(0, "web")
	}
	if p.held.size != one || len(p.held.decisions) != 1 {
		t.Errorf("%d bytes and %d decisions are left of one evaluation, want %d and 1", p.held.size, len(p.held.decisions), one)
	}
	decide(2, "web", "db", "cache")
	for range 2 * keptPasses {
		p.forget()
	}
	if p.held.size != 0 || len(p.held.decisions) != 0 || !p.root.after.none() || p.root.end != nil {
		t.Errorf("%d bytes are left of nothing", p.held.size)
	}
	decide(1, "web")
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
		root.insert(e, 0)
		if got := root.walk(facts); got == nil || got.end != e {
			t.Errorf("after %d insertions: got %v, want the last one", i+1, got)
		}
	}
}

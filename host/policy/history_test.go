package policy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	defaultpolicy "github.com/snatd/snatd/plugins/default"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// TestMemoChangesNoRuleset goes through random histories of pods, facts and
// modules twice, with the memo and without: after each step the rulesets are the
// same to the bit.
func TestMemoChangesNoRuleset(t *testing.T) {
	histories, steps := 20, 60
	if testing.Short() {
		histories = 3
	}
	guestCalls, without := 0, 0
	for seed := range uint64(histories) {
		random := rand.New(rand.NewPCG(seed, 0))
		h := newHistory(t, random)
		for step := range steps {
			h.change()
			got, gotErrs := h.pass(true)
			want, wantErrs := h.pass(false)
			if got != want || gotErrs != wantErrs {
				t.Fatalf("seed %d, step %d: the ruleset is %s with the memo and %s without, the errors are\n%s\nand\n%s",
					seed, step, got, want, gotErrs, wantErrs)
			}
		}
		for _, p := range h.pool {
			guestCalls, without = guestCalls+p.memoised.calls, without+p.plain.calls
		}
	}
	if guestCalls*2 > without || guestCalls == 0 {
		t.Errorf("%d evaluations with the memo and %d without, want far fewer", guestCalls, without)
	}
}

// history is pods and modules as they change, and two sets that decide for them.
type history struct {
	t      *testing.T
	random *rand.Rand
	shared sdk.Map // facts of all subjects
	pods   map[string]sdk.Map
	pool   []*pair
	loaded []*pair // of the pool, and the default

	memo, plain *Set
}

// pair is one module, with a memo before it and without.
type pair struct {
	memoised, plain *counting
	remembering     Policy
}

func newPair(p Policy) *pair {
	memoised := &counting{Policy: p}
	return &pair{memoised, &counting{Policy: p}, Memoize(memoised)}
}

func newHistory(t *testing.T, random *rand.Rand) *history {
	h := &history{
		t: t, random: random, shared: sdk.Map{"vpc.cidrs": sdk.List("10.0.0.0/16")}, pods: map[string]sdk.Map{},
		memo: NewSet(nil), plain: NewSet(nil),
	}
	e := testEngine(t, Options{})
	for i := range 4 {
		m, err := e.Load(context.Background(), fmt.Sprintf("%d0-random.wasm", i), randomGuest(random), nil, Grants{Translate: true})
		if err != nil {
			t.Fatal(err)
		}
		h.pool = append(h.pool, newPair(m))
	}
	h.pool = append(h.pool, newPair(Native("default", defaultpolicy.Decide, translates, nil)))
	return h
}

// keys are what modules read and what changes.
var keys = []string{"pod.label.app", "pod.label.tier", "pod.namespace", "node.zone", "namespace.label.team"}

func (h *history) change() {
	r := h.random
	facts := h.shared
	if name := fmt.Sprint("pod-", r.IntN(12)); r.IntN(4) > 0 {
		if h.pods[name] == nil {
			h.pods[name] = sdk.Map{"subject.kind": "pod", "pod.name": name}
		}
		facts = h.pods[name]
		if r.IntN(8) == 0 {
			delete(h.pods, name)
		}
	}
	switch key := keys[r.IntN(len(keys))]; r.IntN(8) {
	case 0:
		delete(facts, key)
	case 1:
		facts["pod.annotation.irrelevant"] = fmt.Sprint(r.Int())
	case 2:
		h.shared["vpc.cidrs"] = sdk.List([]string{"10.0.0.0/16", "100.64.0.0/16", "172.16.0.0/12"}[:r.IntN(4)]...) // none: the default fails
	case 3: // other modules, the default last
		h.loaded = nil
		for i, p := range h.pool {
			if i == len(h.pool)-1 || r.IntN(3) > 0 {
				h.loaded = append(h.loaded, p)
			}
		}
	default:
		facts[key] = []string{"a", "b", ""}[r.IntN(3)]
	}
}

// pass decides for everybody and compiles what was decided.
func (h *history) pass(memo bool) (digest, errs string) {
	h.t.Helper()
	set := h.plain
	if memo {
		set = h.memo
	}
	if h.loaded == nil {
		h.loaded = h.pool
	}
	var order []Policy
	for _, p := range h.loaded {
		if memo {
			order = append(order, p.remembering)
		} else {
			order = append(order, p.plain)
		}
	}
	set.Replace(order)
	names := []string{"node"}
	for name := range h.pods {
		names = append(names, name)
	}
	slices.Sort(names[1:])
	var node []rules.Decision
	var pods []rules.Decided
	for i, name := range names {
		facts := sdk.Map{}
		for _, layer := range []sdk.Map{h.shared, h.pods[name]} {
			for key, value := range layer {
				facts[key] = value
			}
		}
		evaluations, failures := set.Decide(context.Background(), name, facts)
		for _, err := range failures {
			errs += name + ": " + err.Error() + "\n"
		}
		var decisions []rules.Decision
		for _, e := range evaluations {
			decisions = append(decisions, e.Decision)
		}
		if i == 0 {
			node = decisions
		} else {
			subject := rules.Subject{Name: name, Addr: address(fmt.Sprint("10.0.1.", i))}
			pods = append(pods, rules.Decided{Subject: subject, Decisions: decisions})
		}
	}
	set.Retain(names)
	network := rules.Network{PodInterfaces: []string{"eni*"}, Primary: address("10.0.0.10"), Mark: 0x80, Randomize: rules.RandomizePRNG, PrimaryInterface: "eth0"}
	ruleset, err := rules.Compile(network, node, pods)
	if err != nil {
		return "none", errs + err.Error()
	}
	return ruleset.Digest(), errs
}

// randomGuest is a module that reads facts, and what it reads next and how it
// decides depends on them.
func randomGuest(random *rand.Rand) []byte {
	g := newGuest()
	const buffer = 10_000
	var node func(depth int) []byte
	node = func(depth int) []byte {
		if depth == 0 || random.IntN(6) == 0 {
			cidr := g.Text(fmt.Sprintf("%d.0.0.0/8", 20+random.IntN(4)))
			switch random.IntN(8) {
			case 0:
				return slices.Concat(g.Text("I would rather not"), g.fail)
			case 1:
				return slices.Concat(wasmtest.Const(abi.NoOpinion), wasmtest.Return)
			case 2:
				return slices.Concat(cidr, g.Text(""), g.Text("out"), g.translate)
			default:
				return slices.Concat(cidr, g.Text("kept"), g.exclude)
			}
		}
		read, key := g.fact, keys[random.IntN(len(keys))]
		if random.IntN(5) == 0 {
			read, key = g.factKeys, "pod.label."
		}
		return slices.Concat(
			wasmtest.Const(buffer), wasmtest.Const(0), wasmtest.Store8,
			g.Text(key), wasmtest.Const(buffer), wasmtest.Const(100), read, wasmtest.Drop,
			wasmtest.Const(buffer), wasmtest.Load8, wasmtest.Const(1), wasmtest.And,
			wasmtest.If(node(depth-1)), node(depth-1))
	}
	return g.decide(0, node(4))
}

// TestMemoOfKinds: pods are decided for once per kind, and not again because of
// what no module reads.
func TestMemoOfKinds(t *testing.T) {
	g := newGuest()
	read := func(key string) []byte {
		return slices.Concat(g.Text(key), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop)
	}
	wasm := g.decide(0, read("pod.label.kind"), read("node.zone"), g.Text("10.0.0.0/8"), g.Text(""), g.exclude)
	counted := &counting{Policy: load(t, testEngine(t, Options{}), wasm, Grants{})}
	set := NewSet([]Policy{Memoize(counted)})
	pass := func(what string, version, wantCalls int) {
		t.Helper()
		counted.calls = 0
		var names []string
		for i := range 1000 {
			name := fmt.Sprint("web-", i)
			facts := sdk.Map{"pod.name": name, "pod.label.kind": fmt.Sprint(i % 10), "pod.label.version": fmt.Sprint(version)}
			if _, errs := set.Decide(context.Background(), name, facts); errs != nil {
				t.Fatal(errs)
			}
			names = append(names, name)
		}
		set.Retain(names)
		if counted.calls != wantCalls {
			t.Errorf("%s: %d evaluations of 1,000 pods of 10 kinds, want %d", what, counted.calls, wantCalls)
		}
	}
	pass("the first pass", 1, 10)
	pass("the same pods", 1, 0)
	pass("another label that is not read", 2, 0)
}

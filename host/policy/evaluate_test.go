package policy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

var noFacts = sdk.Map{}

// compare makes cmp compare prefixes and addresses by their text, and nil and
// empty alike.
var compare = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b rules.Outcome) bool { return a == b }),
	cmp.Comparer(func(a, b rules.Entry) bool { return a == b }),
}

func TestEvaluation(t *testing.T) {
	excluded := rules.Outcome{Action: rules.Exclude}
	facts := sdk.Map{"node.zone": "eu-west-1a", "pod.label.app": "web", "pod.label.tier": "front", "empty": ""}
	read := func(g guestModule, call []byte, key string, capacity int32) []byte {
		return bytes.Join([][]byte{g.Text(key), wasmtest.Const(1000), wasmtest.Const(capacity), call, wasmtest.Drop}, nil)
	}
	tests := []struct {
		name   string
		grants Grants
		wasm   func(g guestModule) []byte
		want   Evaluation
	}{
		{"no opinion", Grants{}, func(g guestModule) []byte { return g.decide(abi.NoOpinion) }, Evaluation{}},
		{"no opinion discards", Grants{}, func(g guestModule) []byte {
			return g.decide(abi.NoOpinion, g.Text("10.0.0.0/8"), g.Text("why"), g.exclude)
		}, Evaluation{}},
		{"excludes", Grants{}, func(g guestModule) []byte {
			return g.decide(abi.Decided, g.Text("10.0.0.0/8"), g.Text("peered"), g.exclude, g.Text("0.0.0.0/0"), g.Text(""), g.exclude)
		}, Evaluation{Decision: rules.Decision{Entries: []rules.Entry{
			{Prefix: prefix("10.0.0.0/8"), Outcome: excluded, Reason: "peered"},
			{Prefix: prefix("0.0.0.0/0"), Outcome: excluded},
		}}}},
		{"translates", Grants{Translate: true}, func(g guestModule) []byte {
			return g.decide(abi.Decided,
				g.Text("8.0.0.0/8"), g.Text(""), g.Text("out"), g.translate,
				g.Text("9.0.0.0/8"), g.Text(""), g.Text(""), g.translate)
		}, Evaluation{Decision: rules.Decision{Entries: []rules.Entry{
			{Prefix: prefix("8.0.0.0/8"), Outcome: rules.Outcome{Action: rules.Translate}, Reason: "out"},
			{Prefix: prefix("9.0.0.0/8"), Outcome: rules.Outcome{Action: rules.Translate}},
		}}}},
		{"reads once", Grants{}, func(g guestModule) []byte {
			return g.decide(abi.NoOpinion,
				read(g, g.fact, "node.zone", 100), read(g, g.fact, "absent", 100), read(g, g.fact, "node.zone", 1),
				read(g, g.factKeys, "pod.label.", 100), read(g, g.factKeys, "nothing.", 0), read(g, g.fact, "empty", 0))
		}, Evaluation{Reads: []Read{
			{Key: "node.zone", Value: "eu-west-1a", Found: true},
			{Key: "absent"},
			{Key: "pod.label.", Value: "pod.label.app\x00pod.label.tier\x00", Found: true, Listing: true},
			{Key: "nothing.", Found: true, Listing: true},
			{Key: "empty", Found: true},
		}}},
	}
	for _, mode := range modes() {
		e := testEngineIn(t, mode, Options{})
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				m := load(t, e, tt.wasm(newGuest()), tt.grants)
				got, err := decide(m, facts)
				if err != nil {
					t.Fatal(err)
				}
				tt.want.Decision.Module = "test"
				if diff := cmp.Diff(tt.want, got, compare); diff != "" {
					t.Errorf("evaluation (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestReadWritesOnlyWhatFits: a guest that returns the first byte of its buffer
// as its error code shows what was written.
func TestReadWritesOnlyWhatFits(t *testing.T) {
	e := testEngine(t, Options{})
	for _, tt := range []struct {
		capacity int32
		want     string
	}{
		{3, "decide returned 97; accepted: 0 (decided) or 1 (no opinion)"}, // 'a'
		{2, ""}, // nothing: 0
	} {
		g := newGuest()
		g.Func(abi.Decide, wasmtest.Sig(0, 1),
			g.Text("key"), wasmtest.Const(1000), wasmtest.Const(tt.capacity), g.fact, wasmtest.Drop,
			wasmtest.Const(1000), wasmtest.Load8)
		_, err := decide(load(t, e, g.Bytes(), Grants{}), sdk.Map{"key": "abc"})
		if tt.want == "" {
			if err != nil {
				t.Errorf("capacity %d: %v", tt.capacity, err)
			}
			continue
		}
		wantError(t, err, ClassFailed, tt.want)
	}
}

// TestFreshInstance: memory that one evaluation wrote is not there in the next,
// although the host lends it again.
func TestFreshInstance(t *testing.T) {
	g := newGuest()
	g.Func(abi.Decide, wasmtest.Sig(0, 1),
		wasmtest.Const(5000), wasmtest.Load8, // the result: what is in memory
		g.Text("key"), wasmtest.Const(5000), wasmtest.Const(100), g.fact, wasmtest.Drop)
	m := load(t, testEngine(t, Options{}), g.Bytes(), Grants{})
	for range 3 {
		if _, err := decide(m, sdk.Map{"key": "zzz"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConfigOverlay(t *testing.T) {
	g := newGuest()
	listing := func(prefix string) []byte {
		return bytes.Join([][]byte{g.Text(prefix), wasmtest.Const(0), wasmtest.Const(0), g.factKeys, wasmtest.Drop}, nil)
	}
	wasm := g.decide(1,
		g.Text("config.a"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop,
		g.Text("config.x"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop,
		listing(""), listing("con"), listing("config.a"), listing("node."))
	m, err := testEngine(t, Options{}).Load(context.Background(), "test", wasm, map[string]string{"a": "1", "b": "2"}, Grants{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decide(m, sdk.Map{"config.a": "foreign", "config.x": "foreign", "node.name": "n", "cluster.ip_family": "ipv4"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Read{
		{Key: "config.a", Value: "1", Found: true},
		{Key: "config.x"},
		{Key: "", Value: "cluster.ip_family\x00config.a\x00config.b\x00node.name\x00", Found: true, Listing: true},
		{Key: "con", Value: "config.a\x00config.b\x00", Found: true, Listing: true},
		{Key: "config.a", Value: "config.a\x00", Found: true, Listing: true},
		{Key: "node.", Value: "node.name\x00", Found: true, Listing: true},
	}
	if diff := cmp.Diff(want, got.Reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	g := newGuest()
	wasm := g.decide(7,
		wasmtest.Const(abi.LevelDebug), g.Text("one"), g.log,
		wasmtest.Const(abi.LevelError), g.Text("two\xff"), g.log)
	_, err := decide(load(t, testEngine(t, Options{Log: slog.New(handler)}), wasm, Grants{}), noFacts)
	wantError(t, err, ClassFailed, "decide returned 7; accepted: 0 (decided) or 1 (no opinion)")
	want := "level=DEBUG msg=one module=test\nlevel=ERROR msg=\"two\uFFFD\" module=test\n"
	if out.String() != want {
		t.Errorf("log is\n%swant\n%s", out.String(), want)
	}
}

func TestCallerGivesUp(t *testing.T) {
	m := load(t, testEngine(t, Options{}), func() []byte {
		g := newGuest()
		return g.decide(0, wasmtest.Forever())
	}(), Grants{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, p := range []Policy{m, Native("test", func(sdk.Facts, *sdk.Decision) error { return nil }, Grants{}, nil)} {
		_, err := p.Decide(ctx, noFacts)
		var own *Error
		if !errors.Is(err, context.Canceled) || errors.As(err, &own) || !strings.HasPrefix(err.Error(), "policy test: ") {
			t.Errorf("got %v, want the caller's error with the policy's name", err)
		}
	}
}

// cancelling cancels the caller's context when a fact is read.
type cancelling struct {
	sdk.Map
	cancel context.CancelFunc
}

func (c *cancelling) Fact(key string) (string, bool) {
	c.cancel()
	return c.Map.Fact(key)
}

func TestCallerGivesUpMeanwhile(t *testing.T) {
	g := newGuest()
	wasm := g.decide(0, g.Text("key"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop, wasmtest.Forever())
	m := load(t, testEngine(t, Options{}), wasm, Grants{})
	ctx, cancel := context.WithCancel(context.Background())
	_, err := m.Decide(ctx, &cancelling{Map: noFacts, cancel: cancel})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

package policy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/plugins"
	defaultpolicy "github.com/snatd/snatd/plugins/default"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/sdk"
)

// The default module is a Go guest with everything that Go's runtime does; the
// other tests' guests are a few bytes.

func defaultWasm(t testing.TB) []byte {
	t.Helper()
	wasm := plugins.Default()
	if wasm == nil {
		t.Fatal(`plugins/built/default.wasm is missing: run "make build"`)
	}
	return wasm
}

var translates = Grants{Translate: true}

func TestDefaultModule(t *testing.T) {
	m := load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), defaultWasm(t), translates)
	got, err := decide(m, sdk.Map{"vpc.cidrs": sdk.List("10.0.0.0/16"), "pod.name": "web-1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []rules.Entry{
		{Prefix: prefix("10.0.0.0/16"), Outcome: rules.Outcome{Action: rules.Exclude}, Reason: defaultpolicy.ReasonVPC},
		{Prefix: prefix("0.0.0.0/0"), Outcome: rules.Outcome{Action: rules.Translate}, Reason: defaultpolicy.ReasonOutside},
	}
	if diff := cmp.Diff(want, got.Decision.Entries, compare); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	for _, r := range got.Reads {
		if strings.HasPrefix(r.Key, "pod.name") || strings.HasPrefix(r.Key, "pod.ip") {
			t.Errorf("the default module reads %s, which no two pods share", r.Key)
		}
	}
}

func TestDefaultModuleNeedsItsGrant(t *testing.T) {
	m := load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), defaultWasm(t), Grants{})
	_, err := decide(m, sdk.Map{"vpc.cidrs": sdk.List("10.0.0.0/16")})
	wantError(t, err, ClassGrant, `translate "0.0.0.0/0": the grant translate is missing, only exclude is allowed`)
}

// TestDefaultModuleInterpreted: where executable memory is refused it works
// all the same.
func TestDefaultModuleInterpreted(t *testing.T) {
	m := load(t, testEngineIn(t, ModeInterpreter, Options{}), defaultWasm(t), translates)
	if _, err := decide(m, sdk.Map{"vpc.cidrs": sdk.List("10.0.0.0/16")}); err != nil {
		t.Error(err)
	}
}

// TestGoGuestOutOfMemory: what Go's runtime says when it gives up is in the
// error.
func TestGoGuestOutOfMemory(t *testing.T) {
	e := testEngine(t, Options{MemoryPages: 50, CacheDir: sharedCache(t)})
	m := load(t, e, defaultWasm(t), translates)
	many := make([]string, 9_000)
	for i := range many {
		many[i] = fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)
	}
	_, err := decide(m, sdk.Map{"vpc.cidrs": sdk.List(many...)})
	want := "policy test: memory: refused more than 50 pages of 64 KiB, then: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "out of memory") {
		t.Fatalf("got %v, want %sout of memory", err, want)
	}
}

// TestNativeEqualsWasm holds the two builds of the default policy against each
// other on random facts, good and bad: same decisions, same reads, same errors.
func TestNativeEqualsWasm(t *testing.T) {
	wasm := load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), defaultWasm(t), translates)
	native := Native("test", defaultpolicy.Decide, translates, nil)
	random := rand.New(rand.NewPCG(3, 4))
	rounds := 2000
	if testing.Short() {
		rounds = 100
	}
	failures := 0
	for range rounds {
		facts := randomFacts(random)
		want, wantErr := decide(native, facts)
		got, err := decide(wasm, facts)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%q:\nwasm   %v\nnative %v", facts, err, wantErr)
		}
		if diff := cmp.Diff(want, got, compare); diff != "" {
			t.Fatalf("%q: evaluation (-native +wasm):\n%s", facts, diff)
		}
		if err != nil {
			failures++
		}
	}
	if failures < rounds/20 || failures > rounds/2 {
		t.Errorf("%d of %d random facts are errors, want some of both", failures, rounds)
	}
}

func randomFacts(random *rand.Rand) sdk.Map {
	facts := sdk.Map{}
	maybe := func(chance int, key string, values ...string) {
		if random.IntN(100) < chance {
			facts[key] = values[random.IntN(len(values))]
		}
	}
	maybe(80, "cluster.ip_family", "ipv4", "ipv4", "ipv4", "ipv4", "ipv4", "ipv6", "ipv5")
	maybe(50, "pod.host_network", "false", "false", "false", "false", "true", "yes")
	maybe(50, "snat.external", "false", "false", "false", "false", "true", "1")
	maybe(95, "vpc.cidrs", randomList(random))
	maybe(70, "snat.exclude", randomList(random))
	maybe(50, "pod.name", "web-1", "web-2")
	maybe(50, "config.x", "1", "2")
	return facts
}

func randomList(random *rand.Rand) string {
	items := make([]string, random.IntN(6))
	for i := range items {
		bits := random.IntN(33)
		switch random.IntN(40) {
		case 0:
			items[i] = "0.0.0.0/0"
		case 1:
			items[i] = "fd00::/8"
		case 2:
			items[i] = "10.0.0.1/8"
		default:
			items[i] = fmt.Sprintf("%d.%d.0.0/%d", random.IntN(3)*64, random.IntN(4)*64, bits)
			items[i] = prefix(items[i]).Masked().String()
		}
	}
	return sdk.List(items...)
}

func TestMemoOfDefaultModule(t *testing.T) {
	counted := &counting{Policy: load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), defaultWasm(t), translates)}
	p := Memoize(counted)
	facts := sdk.Map{"subject.kind": "pod", "vpc.cidrs": sdk.List("10.0.0.0/16")}
	for i := range 250 {
		facts["pod.name"], facts["pod.ip"] = fmt.Sprint("web-", i), fmt.Sprint("10.0.1.", i)
		facts["pod.label.version"] = fmt.Sprint(i)
		if _, err := p.Decide(context.Background(), facts); err != nil {
			t.Fatal(err)
		}
	}
	if counted.calls != 1 {
		t.Errorf("%d evaluations of 250 pods, want 1", counted.calls)
	}
	facts["snat.exclude"] = sdk.List("192.168.0.0/16")
	if _, err := p.Decide(context.Background(), facts); err != nil {
		t.Fatal(err)
	}
	if counted.calls != 2 {
		t.Errorf("%d evaluations after a change, want 2", counted.calls)
	}
}

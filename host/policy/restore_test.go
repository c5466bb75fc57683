package policy

import (
	"log/slog"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// TestRestored: a guest that returns what it finds changed finds nothing, however
// often it is asked: either its instance was restored, or it is another one.
func TestRestored(t *testing.T) {
	tests := []struct {
		name     string
		restored bool
		wasm     func(g wasmtest.Guest) []byte
	}{
		{"memory", true, func(g wasmtest.Guest) []byte {
			return forgetful(g, slices.Concat(wasmtest.Const(5000), wasmtest.Load8),
				slices.Concat(wasmtest.Const(5000), wasmtest.Const(1), wasmtest.Store8))
		}},
		{"global", true, func(g wasmtest.Guest) []byte {
			g.Globals(3)
			g.Variable()
			return forgetful(g, wasmtest.GetGlobal(3), slices.Concat(wasmtest.Const(1), wasmtest.SetGlobal(3)))
		}},
		{"many globals", false, func(g wasmtest.Guest) []byte {
			for range maxRestored + 1 {
				g.Variable()
			}
			return forgetful(g, wasmtest.GetGlobal(maxRestored), slices.Concat(wasmtest.Const(1), wasmtest.SetGlobal(maxRestored)))
		}},
		{"random bytes", true, func(g wasmtest.Guest) []byte {
			random := g.WASI("random_get", 2)
			// The first byte of the fixed stream; drawing moves the stream on.
			draw := slices.Concat(wasmtest.Const(6000), wasmtest.Const(1), random, wasmtest.Drop, wasmtest.Const(6000), wasmtest.Load8)
			return forgetful(g, slices.Concat(draw, wasmtest.Const(-firstRandom), wasmtest.Add), nil)
		}},
		{"grown memory", false, func(g wasmtest.Guest) []byte {
			return forgetful(g, slices.Concat(wasmtest.Size, wasmtest.Const(-1), wasmtest.Add),
				slices.Concat(wasmtest.Const(1), wasmtest.Grow, wasmtest.Drop))
		}},
		{"table", false, func(g wasmtest.Guest) []byte {
			g.Table(0, 0)
			return forgetful(g, wasmtest.TableSize, slices.Concat(wasmtest.Const(1), wasmtest.GrowTable(0, 0), wasmtest.Drop))
		}},
		{"closed descriptor", false, func(g wasmtest.Guest) []byte {
			closing := g.WASI("fd_close", 1)
			return forgetful(g, slices.Concat(wasmtest.Const(1), closing), nil) // 8, "bad descriptor", the second time
		}},
	}
	for _, mode := range modes() {
		e := testEngineIn(t, mode, Options{})
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				m := load(t, e, tt.wasm(wasmtest.NewGuest()), Grants{})
				for range 5 {
					if _, err := decide(m, noFacts); err != nil {
						t.Fatal(err)
					}
				}
				kept := m.program.spare != nil && m.program.spare.idle != nil
				if kept != tt.restored {
					t.Errorf("an instance is kept: %t, want %t", kept, tt.restored)
				}
			})
		}
	}
}

// firstRandom is the first byte that random_get gives.
const firstRandom = 0xd9

// forgetful fails if the condition pushes something other than 0.
func forgetful(g wasmtest.Guest, condition, change []byte) []byte {
	g.Func(abi.Decide, wasmtest.Sig(0, 1), condition, change)
	return g.Bytes()
}

// TestStartsOnce: a pass starts two instances, whatever the number of subjects, and
// keeps none for after it, also of a module with a fallback behind it.
func TestStartsOnce(t *testing.T) {
	for _, fallback := range []bool{false, true} {
		m := load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), defaultWasm(t), translates)
		var p Policy = m
		if fallback {
			p = WithFallback(m, Native("test", func(sdk.Facts, *sdk.Decision) error { return nil }, Grants{}, nil), slog.New(slog.DiscardHandler))
		}
		set := NewSet([]Policy{Memoize(p)})
		facts := sdk.Map{"subject.kind": "pod", "cluster.ip_family": "ipv4", "snat.external": "false", "pod.host_network": "false"}
		m.rest()
		for i := range 20 {
			facts["vpc.cidrs"] = sdk.List("10." + strconv.Itoa(i) + ".0.0/16")
			if _, errs := set.Decide(t.Context(), "a", facts); errs != nil {
				t.Fatal(errs)
			}
		}
		if got := m.program.spare.starts; got != 2 {
			t.Errorf("fallback %t: %d starts, want 2", fallback, got)
		}
		set.Retain(nil)
		if m.program.spare.idle != nil {
			t.Errorf("fallback %t: an instance is kept after the pass", fallback)
		}
	}
}

// TestRestoredEqualsFresh: a Go program decides the same in an instance that is
// restored as in a fresh one.
func TestRestoredEqualsFresh(t *testing.T) {
	e := testEngine(t, Options{CacheDir: sharedCache(t)})
	restored := load(t, e, defaultWasm(t), translates)
	fresh := load(t, testEngine(t, Options{CacheDir: sharedCache(t)}), defaultWasm(t), translates)
	fresh.program.spare = nil
	for i := range 30 {
		facts := sdk.Map{
			"subject.kind": "pod", "cluster.ip_family": "ipv4", "snat.external": strconv.FormatBool(i%3 == 0),
			"pod.host_network": "false", "vpc.cidrs": sdk.List("10."+strconv.Itoa(i)+".0.0/16", "100.64.0.0/10"),
		}
		if i%7 == 0 {
			facts["vpc.cidrs"] = "nonsense" // an error, after which the instance is another
		}
		want, wantErr := decide(fresh, facts)
		got, err := decide(restored, facts)
		if diff := cmp.Diff(want, got, compare); diff != "" || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("facts %v: errors %v and %v, evaluations (-fresh +restored):\n%s", facts, wantErr, err, diff)
		}
	}
}

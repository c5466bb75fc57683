package policy

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk"
)

// TestReloads: a module that is replaced a thousand times, by itself, by another
// version or by one that does not load, leaves nothing behind.
func TestReloads(t *testing.T) {
	version := func(why string) []byte {
		g := newGuest()
		return g.decide(0, g.Text("pod.name"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop,
			g.Text("10.0.0.0/8"), g.Text(why), g.exclude)
	}
	broken := func() []byte {
		g := newGuest()
		g.Start(g.Func("", wasmtest.Sig(0, 0), wasmtest.Unreachable))
		return g.decide(0)
	}()
	tests := []struct {
		name     string
		versions [][]byte
	}{
		{"one module", [][]byte{version("first")}},
		{"two versions", [][]byte{version("first"), version("second")}},
		{"a version that fails", [][]byte{version("first"), broken, version("second")}},
	}
	for _, mode := range modes() {
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				e := testEngineIn(t, mode, Options{CacheDir: t.TempDir()})
				set := NewSet(nil)
				var running Policy
				reload := func(i int) {
					t.Helper()
					m, err := e.Load(context.Background(), "test", tt.versions[i%len(tt.versions)], nil, Grants{})
					if err != nil {
						return // the running one goes on
					}
					set.Replace([]Policy{Memoize(m)})
					if running != nil {
						if err := running.Close(context.Background()); err != nil {
							t.Fatal(err)
						}
					}
					running = m
					if _, errs := set.Decide(context.Background(), "node", sdk.Map{"pod.name": fmt.Sprint("web-", i)}); errs != nil {
						t.Fatal(errs)
					}
					set.Retain([]string{"node"})
				}
				const settled, reloads = 200, 1000
				var before, after holding
				var resident []string
				for i := range reloads + 1 {
					reload(i)
					if i == settled {
						before = held(t)
					}
					if i%100 == 0 {
						resident = append(resident, residentMemory(t))
					}
				}
				after = held(t)
				t.Logf("resident memory each 100 reloads: %s", strings.Join(resident, ", "))
				const more = 1 << 20 // bytes; a module or an instance a reload would be 20 times that
				if after.heap > before.heap+more {
					t.Errorf("the heap is %d bytes after %d reloads, %d after %d", after.heap, reloads, before.heap, settled)
				}
				if after.goroutines > before.goroutines || after.descriptors > before.descriptors {
					t.Errorf("%+v after %d reloads, %+v after %d", after, reloads, before, settled)
				}
				if len(e.programs) != 1 {
					t.Errorf("%d programs are left of %d reloads, want the last one", len(e.programs), reloads)
				}
			})
		}
	}
}

// TestCompilingBlocksNobody: some modules take seconds to compile, and the others
// decide and are closed meanwhile.
func TestCompilingBlocksNobody(t *testing.T) {
	e := testEngine(t, Options{})
	g := newGuest()
	m := load(t, e, g.decide(0), Grants{})
	e.compiling.Lock() // as it is while a module compiles
	defer e.compiling.Unlock()
	if _, err := decide(m, noFacts); err != nil {
		t.Error(err)
	}
	if err := m.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// holding is what a process has.
type holding struct {
	heap                    uint64 // bytes that are in use
	goroutines, descriptors int
}

// held collects what can be collected first.
func held(t *testing.T) (h holding) {
	t.Helper()
	for range 3 { // finalizers, and the pools behind them
		runtime.GC()
	}
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return holding{stats.HeapAlloc, runtime.NumGoroutine(), len(open)}
}

func residentMemory(t *testing.T) string {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, value, _ := strings.Cut(string(status), "VmRSS:")
	value, _, _ = strings.Cut(value, "\n")
	return strings.TrimSpace(value)
}

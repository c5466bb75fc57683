package policy

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk"
)

// TestGarbageCollection: the collector stops every goroutine for a moment, and the
// daemon with them until the last one has stopped. A guest that never pauses by
// itself must not keep it waiting.
func TestGarbageCollection(t *testing.T) {
	enter := func(g guestModule) []byte {
		return bytes.Join([][]byte{g.Text("enter"), wasmtest.Const(0), wasmtest.Const(0), g.fact, wasmtest.Drop}, nil)
	}
	tests := []struct {
		name string
		wasm func(g guestModule) []byte
	}{
		{"loop", func(g guestModule) []byte {
			return g.decide(0, enter(g), wasmtest.Forever())
		}},
		// A call at every level, without a loop: as deep as an interpreter allows,
		// and 2^1000 calls long.
		{"deep recursion", func(g guestModule) []byte {
			less := bytes.Join([][]byte{wasmtest.Get(0), wasmtest.Const(-1), wasmtest.Add, wasmtest.Call(g.Next())}, nil)
			tree := g.Func("", wasmtest.Sig(1, 0), wasmtest.Get(0), wasmtest.If(less, less))
			return g.decide(0, enter(g), wasmtest.Const(1000), wasmtest.Call(tree))
		}},
		{"giant allocation", func(g guestModule) []byte {
			all := bytes.Join([][]byte{wasmtest.Const(0), wasmtest.Const(1), wasmtest.Const(256 << 16), wasmtest.Fill}, nil)
			return g.decide(0, wasmtest.Const(255), wasmtest.Grow, wasmtest.Drop, enter(g), wasmtest.Forever(all))
		}},
	}
	for _, mode := range modes() {
		e := testEngineIn(t, mode, Options{CallBudget: 1 << 62})
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				m := load(t, e, tt.wasm(newGuest()), Grants{})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				facts := &entered{seen: make(chan struct{})}
				ended := make(chan error, 1)
				go func() {
					_, err := m.Decide(ctx, facts)
					ended <- err
				}()
				<-facts.seen
				for range 3 {
					runtime.GC() // returns only when it is done
				}
				select {
				case err := <-ended:
					t.Fatalf("the guest has ended, so nothing was shown: %v", err)
				default:
				}
				cancel()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Errorf("the guest ended with %v, want the caller's error", err)
				}
			})
		}
	}
}

// entered are no facts; the first read is seen.
type entered struct {
	sdk.Map
	once sync.Once
	seen chan struct{}
}

func (e *entered) Fact(string) (string, bool) {
	e.once.Do(func() { close(e.seen) })
	return "", false
}

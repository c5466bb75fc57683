package policy

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// TestCompiler: what the other process says of a module counts, and is asked for again
// where its directory may be at fault.
func TestCompiler(t *testing.T) {
	wasm := newGuest().decide(0)
	broken := errors.New("broken")
	tests := []struct {
		name  string
		says  []error
		calls int
		want  string
	}{
		{"compiled", []error{nil}, 1, ""},
		{"damaged cache", []error{broken, nil}, 2, ""},
		{"refused", []error{broken, broken}, 2, "broken"},
		{"costly", []error{fmt.Errorf("%w: it takes days", ErrCostly)}, 1, "too much for the compiler: it takes days"},
		{"not kept", []error{fmt.Errorf("%w: no space", ErrNotKept)}, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			e := testEngine(t, Options{CacheDir: t.TempDir(), Compiler: func(ctx context.Context, dir string, wasm []byte) error {
				calls++
				return errors.Join(tt.says[calls-1], Compile(ctx, dir, wasm))
			}})
			_, err := e.Load(t.Context(), "test", wasm, nil, Grants{})
			if calls != tt.calls {
				t.Errorf("%d calls, want %d", calls, tt.calls)
			}
			if tt.want != "" {
				wantError(t, err, ClassLoad, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

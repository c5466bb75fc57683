package policy

import (
	"context"
	"errors"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// everySection is a small module that has every section of the format.
func everySection() []byte {
	g := newGuest()
	g.Table(1, 0)
	g.Globals(1)
	g.Start(g.Func("", wasmtest.Sig(0, 0)))
	g.Func(abi.Initialize, wasmtest.Sig(0, 0))
	g.Func(abi.Validate, wasmtest.Sig(0, 1), wasmtest.Const(0))
	return append(g.decide(0, g.Text("10.0.0.0/8"), g.Text("peered"), g.exclude), wasmtest.Custom(10)...)
}

// TestTruncated: a module that ends at any of its bytes is refused, but where only
// whole sections at its end are missing, without which it still is a module.
func TestTruncated(t *testing.T) {
	whole := everySection()
	e := testEngine(t, Options{})
	load(t, e, whole, Grants{})
	var accepted []int
	for n := range whole {
		m, err := e.Load(context.Background(), "test", whole[:n], nil, Grants{})
		var own *Error
		switch {
		case err == nil:
			accepted = append(accepted, len(whole)-n)
			if err := m.Close(context.Background()); err != nil {
				t.Error(err)
			}
		case !errors.As(err, &own) || own.Class != ClassLoad:
			t.Errorf("the first %d of %d bytes: %v, want an error of class load", n, len(whole), err)
		}
	}
	if section := len(wasmtest.Custom(10)); len(accepted) == 0 || accepted[len(accepted)-1] != section {
		t.Errorf("without their last %v bytes modules are accepted, want %d", accepted, section)
	}
	if len(e.programs) != 1 {
		t.Errorf("%d programs are left, want the whole module's", len(e.programs))
	}
}

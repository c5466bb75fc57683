package engine

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/snatd/snatd/host/policy"
)

// A failure that many subjects share is told once.
func TestFailures(t *testing.T) {
	broken := &policy.Error{Module: "10-a.wasm", Class: policy.ClassTrap, Message: "unreachable"}
	slow := &policy.Error{Module: "20-b.wasm", Class: policy.ClassDeadline, Message: "not done after 50ms"}
	for _, c := range []struct {
		name string
		errs []error
		want []Problem
	}{
		{"none", nil, nil},
		{"one", []error{broken}, []Problem{{"module 10-a.wasm", "for node: trap: unreachable"}}},
		{"shared", []error{broken, broken, broken}, []Problem{{"module 10-a.wasm", "for node and 2 more: trap: unreachable"}}},
		{"slow", []error{broken, slow}, []Problem{
			{"module 10-a.wasm", "for node: trap: unreachable"}, {"module 20-b.wasm", "for node: deadline: not done after 50ms"},
		}},
		{"not a module's", []error{errors.New("odd")}, []Problem{{"policy", "for node: odd"}}},
		{"the end of the process", []error{context.Canceled}, []Problem{{"policy", "for node: context canceled"}}},
	} {
		var f failures
		for _, err := range c.errs {
			f.add("node", err)
		}
		if p := f.problems(); !slices.Equal(p.list, c.want) {
			t.Errorf("%s: %q; want %q", c.name, p.list, c.want)
		}
	}
}

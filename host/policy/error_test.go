package policy

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestTransient(t *testing.T) {
	tests := []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("other"), false},
		{errorf("test", ClassDeadline, "late"), true},
		{fmt.Errorf("load: %w", errorf("test", ClassDeadline, "late")), true},
		{errorf("test", ClassBudget, "many calls"), false},
		{&Error{Class: ClassBudget, skipped: true}, true},
		{errorf("test", ClassFailed, "no"), false},
		{fmt.Errorf("policy test: %w", context.Canceled), true},
		{fmt.Errorf("policy test: %w", context.DeadlineExceeded), true},
	}
	for _, tt := range tests {
		if got := Transient(tt.err); got != tt.want {
			t.Errorf("Transient(%v) is %v", tt.err, got)
		}
	}
}

func TestErrorIsOneLine(t *testing.T) {
	got := errorf("test", ClassTrap, "unreachable: %s", "\npanic: a\r\n\n\tgoroutine 1\x1b[2J\n").Error()
	if want := "policy test: trap: unreachable: | panic: a | goroutine 1 [2J"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

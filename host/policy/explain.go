package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/sys"
)

// explain turns what wazero returned into an *Error, or into the caller's own
// error if the caller gave up.
func (c *call) explain(caller, guest context.Context, err error) error {
	if caller.Err() != nil {
		return fmt.Errorf("policy %s: %w", c.session.module, caller.Err())
	}
	var own *Error // from a function of the host or from the listener
	if errors.As(err, &own) {
		return own
	}
	var exit *sys.ExitError
	exited := errors.As(err, &exit)
	switch {
	case guest.Err() != nil && (exited && exit.ExitCode() == sys.ExitCodeDeadlineExceeded || errors.Is(err, context.DeadlineExceeded)):
		return c.late()
	case c.instance.memory.refused:
		return c.session.errorf(ClassMemory, "refused more than %d pages of 64 KiB, then: %s%s",
			c.engine.options.MemoryPages, reason(err), c.instance.output.quoted())
	case exited:
		return c.session.errorf(ClassExit, "%s exited with code %d%s", c.phase, exit.ExitCode(), c.instance.output.quoted())
	}
	return c.session.errorf(ClassTrap, "%s%s", reason(err), c.instance.output.quoted())
}

// late is the error of a phase that took too long.
func (c *call) late() error {
	return c.session.errorf(ClassDeadline, "%s took longer than %s", c.phase, c.allowed)
}

// reason shortens wazero's error to one line: what happened, and the innermost
// functions of the guest's stack, which stand one on a line.
func reason(err error) string {
	const stack, frames = "wasm stack trace:", 4
	what, trace, found := strings.Cut(err.Error(), stack)
	what, _, _ = strings.Cut(strings.TrimSpace(what), "\n")
	if _, trap, ok := strings.Cut(what, "wasm error: "); ok {
		what = trap
	}
	if !found {
		return what
	}
	var names []string
	for line := range strings.Lines(trace) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), "(")
		if ok && len(names) < frames {
			names = append(names, strings.TrimPrefix(name, "."))
		}
	}
	if len(names) == 0 {
		return what
	}
	return what + " in " + strings.Join(names, ", called by ")
}

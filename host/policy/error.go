package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/snatd/snatd/sdk/abi"
)

// Class is the kind of an Error.
type Class string

// Classes of errors: those of the ABI, and one of this host.
const (
	ClassLoad     Class = abi.ClassLoad
	ClassTrap     Class = abi.ClassTrap // also a bug of the host that a guest met
	ClassExit     Class = abi.ClassExit
	ClassDeadline Class = abi.ClassDeadline
	ClassBudget   Class = abi.ClassBudget
	ClassMemory   Class = abi.ClassMemory
	ClassArgument Class = abi.ClassArgument
	ClassLimit    Class = abi.ClassLimit
	ClassGrant    Class = abi.ClassGrant
	ClassOutput   Class = abi.ClassOutput
	ClassFailed   Class = abi.ClassFailed
	ClassImpure   Class = abi.ClassImpure
	ClassClosed   Class = "closed" // the policy was closed
)

// Error is a failure of one policy. The message is one line, whatever the guest
// said.
type Error struct {
	Module  string
	Class   Class
	Message string

	// skipped says that the policy was not run: the failure is an earlier one.
	skipped bool
}

func (e *Error) Error() string {
	return fmt.Sprintf("policy %s: %s: %s", e.Module, e.Class, e.Message)
}

// Message is the text of a policy's error without the policy's name, for those
// who say that before it; of another error it is the whole text.
func Message(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return string(e.Class) + ": " + e.Message
	}
	return err.Error()
}

// Transient tells whether a later try may go well although nothing changes: the
// machine was too slow, a Set did not run the policy after an earlier failure,
// or the caller gave up.
func Transient(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Class == ClassDeadline || e.skipped
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func errorf(module string, class Class, format string, args ...any) *Error {
	return &Error{Module: module, Class: class, Message: oneLine(fmt.Sprintf(format, args...))}
}

// oneLine joins lines by " | ". Other control characters, which a terminal might
// obey, become spaces.
func oneLine(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, text)
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " | ")
}

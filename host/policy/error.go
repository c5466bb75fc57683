package policy

import "fmt"

// Class is the kind of an Error.
type Class string

// Classes of errors.
const (
	ClassLoad     Class = "load"     // the module does not fit the ABI, or its configuration cannot be facts
	ClassTrap     Class = "trap"     // a WebAssembly trap, or a bug of the host that a guest met
	ClassExit     Class = "exit"     // the guest called proc_exit
	ClassDeadline Class = "deadline" // no answer in time
	ClassBudget   Class = "budget"   // too many function calls
	ClassMemory   Class = "memory"   // failed after it was refused more memory
	ClassArgument Class = "argument" // a host function was called in a wrong way
	ClassLimit    Class = "limit"    // a limit of package abi was passed
	ClassGrant    Class = "grant"    // the operator did not grant it
	ClassOutput   Class = "output"   // the decision cannot be compiled
	ClassFailed   Class = "failed"   // the policy itself said so
	ClassClosed   Class = "closed"   // the policy was closed
)

// Error is a failure of one policy. The message may have several lines where it
// quotes what the guest wrote to its standard error.
type Error struct {
	Module  string
	Class   Class
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("policy %s: %s: %s", e.Module, e.Class, e.Message)
}

func errorf(module string, class Class, format string, args ...any) *Error {
	return &Error{Module: module, Class: class, Message: fmt.Sprintf(format, args...)}
}

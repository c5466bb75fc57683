package wasmtest

import "slices"

// Adversary is a guest that does harm, or a file that only claims to be a guest,
// and what must become of it.
type Adversary struct {
	Name  string        // lower-case letters, digits and dashes
	Bytes func() []byte // some have many megabytes, or take time to make
	// Gzip says that the bytes are those of a file NAME.wasm.gz.
	Gzip bool
	// Refused says that it never runs: it does not load. Otherwise decide fails,
	// or there is no error.
	Refused bool
	// Class and Message are those of the error; both are empty if there is none.
	// Message is the text exactly, but for what differs between machines: the time
	// at the end of a missed deadline, and what comes after Overflow. Where calls
	// go too deep, the stack may end before the budget does.
	Class, Message string
	// Reason is that of the one prefix that it excludes each time, Excluded; no
	// opinion if it is empty. It is the same each time, whatever the guest tries.
	Reason string
}

// Overflow begins the message where the stack ends; Some is a reason that is the
// processor's choice.
const (
	Overflow = "stack overflow"
	Some     = "some"
)

// Excluded is the prefix that adversaries exclude, if any: nobody's.
const Excluded = "192.0.2.0/24"

// Classes of errors, as package policy calls them.
const (
	load     = "load"
	trap     = "trap"
	exit     = "exit"
	deadline = "deadline"
	budget   = "budget"
	memory   = "memory"
	argument = "argument"
	limit    = "limit"
	grant    = "grant"
	output   = "output"
	failed   = "failed"
)

// Adversaries are all of them. Their names differ.
func Adversaries() []Adversary {
	return slices.Concat(frauds(), misfits(), runaways(), hoarders(), trespassers(), liars(), smugglers(), deserters())
}

// source writes a guest.
type source func(g Guest) []byte

func (s source) bytes() []byte { return s(NewGuest()) }

// refused does not load.
func refused(name, class, message string, s source) Adversary {
	return Adversary{Name: name, Bytes: s.bytes, Refused: true, Class: class, Message: message}
}

// fails loads, and fails in decide.
func fails(name, class, message string, s source) Adversary {
	return Adversary{Name: name, Bytes: s.bytes, Class: class, Message: message}
}

// harmless is left to do what it does, for it does no harm.
func harmless(name, reason string, s source) Adversary {
	return Adversary{Name: name, Bytes: s.bytes, Reason: reason}
}

package abi

// Classes of errors: who has to change what. A module does not see them; a host
// names every error by one, and two hosts agree on it.
const (
	ClassLoad     = "load"     // the module does not fit the ABI, or its configuration cannot be facts
	ClassTrap     = "trap"     // a WebAssembly trap
	ClassExit     = "exit"     // the guest called proc_exit
	ClassDeadline = "deadline" // no answer in time
	ClassBudget   = "budget"   // too many function calls, or too deep
	ClassMemory   = "memory"   // failed after it was refused more memory
	ClassArgument = "argument" // a host function was called in a wrong way
	ClassLimit    = "limit"    // a limit of this ABI was passed
	ClassGrant    = "grant"    // the operator did not grant it
	ClassOutput   = "output"   // the calls of exclude and translate are no decision
	ClassFailed   = "failed"   // the policy itself said so, by fail or by its status
	ClassImpure   = "impure"   // it decided differently for the same facts
)

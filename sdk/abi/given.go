package abi

// What snatd gives a module, unless its configuration says otherwise
// (policies.deadline, policies.memory).
const (
	GivenMemory        = 16 << 20  // bytes of memory
	GivenDeadline      = 50        // milliseconds for a call of decide or validate, with what the host does in it
	GivenStart         = 200       // milliseconds for the start of an instance; four times the other, if that is configured
	GivenCalls         = 1 << 20   // function calls in one evaluation, with those of its start
	GivenDepth         = 1500      // function calls within each other
	GivenCompileTime   = 20        // seconds of computing for the compiler, in a process of its own
	GivenCompileMemory = 512 << 20 // bytes of memory for that process
)

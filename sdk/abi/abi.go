// Package abi is the contract between a policy module and the host, snat_v1:
// names, signatures, values and limits. It is stated here once; the host checks
// and serves modules by it, and the SDK is written against it.
//
// Nothing here runs: no memory is touched and no function is called. ABI.md and
// what other languages declare are made from this package's constants and their
// comments by schema/gen.
package abi

// Module is the name of the module that host functions are imported from. It
// is also the version: a change that breaks a module gets another name.
const Module = "snat_v1"

// Host functions that a module may import from Module. Every pointer is an
// offset in the guest's memory, every length is in bytes.
const (
	// Fact reads one fact: (key, key_len, buf, cap) -> length. The length of an
	// absent fact is -1. The value is written to buf only if its length is at most
	// cap: a guest whose buffer is too small asks again.
	Fact = "fact"
	// FactKeys lists the keys under a prefix, sorted, each ended by a NUL:
	// (prefix, prefix_len, buf, cap) -> length. The same rule as for fact.
	FactKeys = "fact_keys"
	// Exclude keeps the pod's address towards a prefix: (cidr, cidr_len, why,
	// why_len).
	Exclude = "exclude"
	// Translate replaces the pod's address towards a prefix: (cidr, cidr_len,
	// source, source_len, why, why_len). An empty source is the node's primary
	// address. Another must be granted by the operator and held by the node's
	// primary interface, which is read as the fact node.address.<source>.
	Translate = "translate"
	// Log writes a line to the daemon's log: (level, msg, msg_len).
	Log = "log"
	// Fail ends the evaluation with an error: (msg, msg_len). It never returns.
	Fail = "fail"
)

// Functions that a module exports, beside its memory.
const (
	// Memory is the exported memory.
	Memory = "memory"
	// Decide answers for the current subject: () -> status. 0 is decided, 1 is no
	// opinion, anything else is an error. Required.
	Decide = "decide"
	// Validate checks the module's configuration when it is loaded: () -> status.
	// 0 is good, anything else is an error. Optional.
	Validate = "validate"
	// Initialize starts a new instance, before anything else is called: (). Optional.
	Initialize = "_initialize"
)

// Results.
const (
	// Absent is the length that fact returns for a fact that does not exist.
	Absent int32 = -1
	// Decided is what decide returns to say that the calls of exclude and translate
	// are the answer.
	Decided int32 = 0
	// NoOpinion is what decide returns to leave the subject to the modules behind.
	NoOpinion int32 = 1
)

// Levels of Log, as in log/slog divided by four.
const (
	LevelDebug int32 = -1
	LevelInfo  int32 = 0
	LevelWarn  int32 = 1
	LevelError int32 = 2
)

// Limits of one evaluation. A module that passes one fails with an error that
// names it.
const (
	MaxKey      = 1 << 10  // bytes of a key or prefix of keys
	MaxValue    = 1 << 18  // bytes of a value or list of keys
	MaxReads    = 4 << 10  // different reads, of facts and lists of keys
	MaxRead     = 1 << 20  // bytes of their keys and values together
	MaxReason   = 256      // bytes of a reason
	MaxMessage  = 4 << 10  // bytes of one log line or error text
	MaxLog      = 64 << 10 // bytes of all log lines together
	MaxPrefixes = 10_000   // prefixes in one decision, with those that are given again
)

// Function is a host function's or an export's WebAssembly signature; every
// parameter and result is an i32.
type Function struct {
	Name    string
	Params  int
	Results int
	// In are the exports during which a host function may be called.
	In []string
}

// Imports are the host functions, the only ones beside WASI's listed ones. The
// start reads nothing, so that it is the same for every subject; validate decides
// nothing.
var Imports = []Function{
	{Fact, 4, 1, []string{Decide, Validate}},
	{FactKeys, 4, 1, []string{Decide, Validate}},
	{Exclude, 4, 0, []string{Decide}},
	{Translate, 6, 0, []string{Decide}},
	{Log, 3, 0, []string{Decide, Validate, Initialize}},
	{Fail, 2, 0, []string{Decide, Validate, Initialize}},
}

// Exports are the functions that the host calls. Only Decide must exist.
var Exports = []Function{
	{Decide, 0, 1, nil},
	{Validate, 0, 1, nil},
	{Initialize, 0, 0, nil},
}

// WASIModule is the one other module that functions may be imported from.
const WASIModule = "wasi_snapshot_preview1"

// WASI are the functions of WASI preview 1 that exist, for the runtimes of
// languages. They see no files, no network, no environment, a virtual clock and
// fixed randomness.
var WASI = []string{
	"args_get", "args_sizes_get", "clock_time_get", "environ_get", "environ_sizes_get",
	"fd_close", "fd_fdstat_get", "fd_fdstat_set_flags", "fd_prestat_dir_name", "fd_prestat_get",
	"fd_write", "poll_oneoff", "proc_exit", "random_get", "sched_yield",
}

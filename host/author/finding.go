package author

import (
	"errors"
	"strings"

	"github.com/snatd/snatd/host/policy"
)

// findings are results by check.
type findings map[string]CheckResult

func (f findings) ok(check, detail string) {
	f[check] = CheckResult{State: OK, Detail: detail}
}

// failed adds a module's error, found where is said before it.
func (f findings) failed(check, where string, err error) {
	f[check] = CheckResult{State: Failed, Detail: where + policy.Message(err), Change: change(err)}
}

// change is what an author may do about an error whose words do not say so.
func change(err error) string {
	failed, _ := errors.AsType[*policy.Error](err)
	if failed == nil {
		return ""
	}
	switch failed.Class {
	case policy.ClassLoad:
		return forgotten(failed.Message)
	case policy.ClassTrap:
		return "return an error, or fail with a message: a trap tells an operator nothing"
	case policy.ClassExit:
		return "return from decide and validate: an exit ends the evaluation without an answer"
	case policy.ClassDeadline:
		return "end sooner, or read and answer less; --deadline allows more here, and policies.deadline on a node"
	case policy.ClassBudget:
		return "end the recursion, or answer with fewer function calls"
	case policy.ClassMemory:
		return "allocate less; --memory allows more here, and policies.memory on a node"
	case policy.ClassGrant:
		return "have the sidecar grant it: grants: {translate: true}, or grants: {sources: [ADDRESS]}"
	case policy.ClassImpure:
		return "answer from facts alone: nothing may survive from one evaluation to the next"
	}
	return ""
}

// forgotten is what a language's author left out where a module lacks an export, or has
// an import too many.
func forgotten(message string) string {
	switch {
	case strings.HasPrefix(message, "exports no function decide"):
		return "make the policy the module's: sdk.Register in an init function of package main in Go, policy!(decide) in Rust, " +
			"SNAT_POLICY(decide, validate) in C, export function decide() in AssemblyScript"
	case strings.HasPrefix(message, "imports env.abort"):
		return "compile AssemblyScript with --use abort=~lib/@snatd/policy/assembly/fail/abort"
	case strings.HasPrefix(message, "imports wasi_snapshot_preview1."):
		return "build it for no system: wasm32-unknown-unknown in Rust, -nostdlib in C"
	}
	return ""
}

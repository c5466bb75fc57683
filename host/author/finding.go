package author

import (
	"errors"

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

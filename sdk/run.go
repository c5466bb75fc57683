package sdk

// Run evaluates a policy on the facts of source, natively or in a module. The
// error is the policy's own, the one of a wrong call to the decision, or a panic
// with its place in the source; the decision then holds only log lines.
func Run(policy Policy, source Source) (*Decision, error) {
	decision := &Decision{}
	err := call(policy, Facts{source}, decision)
	if err == nil {
		err = decision.err
	}
	if err != nil {
		return &Decision{lines: decision.lines}, err
	}
	return decision, nil
}

// call turns a panic of the policy into an error: in a module it would be a trap
// that says nothing.
func call(policy Policy, facts Facts, decision *Decision) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = panicError(value)
		}
	}()
	return policy(facts, decision)
}

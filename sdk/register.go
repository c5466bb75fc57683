package sdk

import "github.com/snatd/snatd/sdk/abi"

// Option is an optional part of a module.
type Option func(*module)

// Validate makes the host call check once, when it loads the module: to refuse
// a configuration before it decides anything. Only the facts config.* exist
// then.
func Validate(check func(facts Facts) error) Option {
	return func(m *module) {
		m.check = func(facts Facts, _ *Decision) error { return check(facts) }
	}
}

// Register makes policy the one that this module exports. Call it once, from an
// init function of package main: a module's main is never run. In a native
// build it does nothing that can be seen.
func Register(policy Policy, options ...Option) {
	if policy == nil {
		panic("sdk.Register: the policy is nil")
	}
	if registered.policy != nil {
		panic("sdk.Register: called twice, a module has one policy")
	}
	registered.policy = policy
	for _, option := range options {
		option(&registered)
	}
}

// registered is what the exports of this module run.
var registered module

// module is a policy as the host sees it.
type module struct {
	policy Policy
	check  Policy // makes no entry
}

// host is what a module may call, in Go's terms. The functions of the ABI
// implement it in a module, a recorder in tests.
type host interface {
	Source
	exclude(prefix, why string)
	translate(prefix, source, why string)
	log(level Level, text string)
	fail(message string) // does not return in a module
}

// failed is what an export returns where fail returned.
const failed int32 = 2

// registered says whether there is a policy, and fails if not: the exports are there in
// any case.
func (m *module) registered(h host) bool {
	if m.policy == nil {
		h.fail("the module has no policy: call sdk.Register from an init function of package main")
	}
	return m.policy != nil
}

// decide is the export of that name.
func (m *module) decide(h host) int32 {
	if !m.registered(h) {
		return failed
	}
	decision, err := Run(m.policy, h)
	for _, line := range decision.lines {
		h.log(line.Level, line.Text)
	}
	if err != nil {
		h.fail(clip(err.Error(), abi.MaxMessage))
		return failed
	}
	for _, c := range decision.entries {
		c.entry().send(h)
	}
	if len(decision.entries) == 0 {
		return abi.NoOpinion
	}
	return abi.Decided
}

// validate is the export of that name.
func (m *module) validate(h host) int32 {
	if !m.registered(h) {
		return failed
	}
	if m.check == nil {
		return 0
	}
	if _, err := Run(m.check, h); err != nil {
		h.fail(clip(err.Error(), abi.MaxMessage))
		return failed
	}
	return 0
}

func (e Entry) send(h host) {
	if !e.Translate {
		h.exclude(e.Prefix.String(), e.Reason)
		return
	}
	source := ""
	if e.Source.IsValid() {
		source = e.Source.String()
	}
	h.translate(e.Prefix.String(), source, e.Reason)
}

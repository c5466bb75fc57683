package engine

import (
	"net/netip"
	"time"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/rules"
)

// guardSource is the source of what is said of a change that is held.
const guardSource = "guard"

// guard holds changes that decide otherwise for more than the operator lets through unseen.
// Who is known goes on as before meanwhile; who comes is decided at once.
type guard struct {
	held *Held // nil if nothing is
	// known are those whom it is held for: who was known when it was held first.
	known []Subject
	// modules are those of before the change.
	modules []ModuleStatus
	// between compiles what is in force meanwhile.
	between rules.Compiler
	// approved is what an operator has approved, until it is installed.
	approved *Held
	// approvals come from others than the loop; asked are those that wait for an answer.
	approvals chan approval
	asked     []*approval
	// earlier is what the run before held, until this one has rules in the kernel; nil if
	// nothing.
	earlier *Held
	// lost says that this is in force without approval, because the rules of that run were
	// gone; nil if they were not.
	lost error
	// noted is what the note on disk says; nil if there is none.
	noted *Held
}

// guarded is what is installed of a result: all of it, or, where that is beyond the guard's
// limits, what changes nothing for those who are known. It is nil where that cannot be told,
// so that what an earlier run left stays.
func (e *Engine) guarded(next *State, wanted *Result, why func(*Result) string, p *problems) *Result {
	g := &e.guard
	before, err := e.before(next, wanted)
	next.Held = nil
	if err != nil {
		p.addPassing("kernel", err)
		next.Waiting = "waiting to read the rules of an earlier run, behind which a change is held"
		return nil
	}
	held := before.beyond(wanted)
	if held == nil {
		g.held, g.between = nil, rules.Compiler{}
		return wanted
	}
	g.hold(held, next.Result, wanted, why)
	if g.approves(held) {
		e.log.Info("a held change is approved", "ruleset", held.Ruleset[:leastDigits])
		g.held, g.between = nil, rules.Compiler{}
		return wanted
	}
	if g.held == nil {
		g.modules, g.known = e.State().Modules, before.Subjects
		e.log.Warn("a change is held", "ruleset", held.Ruleset[:leastDigits], "because", held.Because, "beyond", held.Limit, "unclear", held.Unclear)
		e.remember(history.Entry{Result: history.Held, Because: held.Because}, nil, wanted, next.Modules)
	}
	g.held, next.Held = held, held
	if next.Result == nil {
		next.earlier, next.Ruleset = &before, before.Ruleset
		next.Waiting = "waiting for approval; the rules of an earlier run stay in force"
		return nil
	}
	result, err := g.meanwhile(next.Result, wanted)
	if err != nil {
		p.add(guardSource, err)
		return nil
	}
	return result
}

// hold completes what is told of a change that is beyond the limits.
func (g *guard) hold(held *Held, before, after *Result, why func(*Result) string) {
	last := g.held
	if last == nil && before == nil {
		last = g.earlier
	}
	held.Since = time.Now()
	if last != nil {
		held.Since, held.Because = last.Since, last.Because
	}
	if before != nil && (last == nil || last.Ruleset != held.Ruleset) {
		held.Because = why(after)
	}
}

// before is what is in force, as far as the guard goes by it: nothing at a start, but where
// the run before held a change. Approving it is not what a restart is for, however much of
// that run's rules this version understands; only where they are gone nothing is left to keep.
func (e *Engine) before(state *State, wanted *Result) (Installed, error) {
	g := &e.guard
	if state.Result != nil {
		in := state.installed()
		if g.held != nil {
			in.Subjects = g.known // however many come meanwhile
		}
		return in, nil
	}
	if g.earlier == nil {
		return Installed{}, nil
	}
	found, err := e.installer.found()
	if err != nil {
		return Installed{}, err
	}
	g.lost = nil
	if !found.decides {
		if wanted.Ruleset != nil && !unlimited(wanted.inputs.Config) {
			g.lost = g.earlier.lost()
		}
		return Installed{}, nil
	}
	return Installed{
		Ruleset: found.ruleset, Subjects: wanted.subjects(), External: g.earlier.External, Holding: true, Unclear: !found.exact,
	}, nil
}

// meanwhile is the result that is in force while another one is held: subjects that are
// known are decided as before, and the others as wanted.
func (g *guard) meanwhile(before, wanted *Result) (*Result, error) {
	known := map[rules.Subject]Decided{}
	for _, d := range before.Decided {
		known[d.Subject] = d
	}
	result := &Result{inputs: wanted.inputs, Network: wanted.Network}
	for _, d := range wanted.Decided {
		if old, ok := known[d.Subject]; ok {
			d = old
		}
		result.Decided = append(result.Decided, d)
	}
	type pod struct {
		name string
		addr netip.Addr
	}
	pods := map[pod]facts.Pod{}
	for _, p := range before.Snapshot.Pods {
		pods[pod{p.FullName(), p.IP}] = p
	}
	var list []facts.Pod
	for _, p := range wanted.Snapshot.Pods {
		if old, ok := pods[pod{p.FullName(), p.IP}]; ok {
			p = old
		}
		list = append(list, p)
	}
	result.Snapshot = before.Snapshot.WithPods(list)
	ruleset, err := compile(&g.between, result.Network, result.Decided)
	result.Ruleset = ruleset
	return result, err
}

// since are the modules that a change is to be told from: those of before it, or else the
// last ones.
func (g *guard) since(last []ModuleStatus) []ModuleStatus {
	if g.held != nil {
		return g.modules
	}
	return last
}

// word is what the log adds to the reason of a change that was approved, or should have been.
func (g *guard) word() string {
	switch {
	case g.approved != nil:
		return ", approved"
	case g.earlier != nil && g.lost != nil:
		return ", without approval"
	}
	return ""
}

// installed takes note that what guarded returned is in the kernel.
func (g *guard) installed() { g.earlier, g.approved = nil, nil }

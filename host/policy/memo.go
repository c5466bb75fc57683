package policy

import (
	"context"
	"sync"

	"github.com/snatd/snatd/sdk"
)

// memo is a policy that remembers evaluations.
type memo struct {
	policy  Policy
	counted counted

	mu   sync.Mutex
	root *node
	held *holdings
	full bool // since the last forget

	pass int // counts calls of forget
	// Evaluations that are remembered, at most, and how many of these the pass has
	// used. A pass that used all has nothing to forget.
	evaluations, used int
}

// memoLimit is how many bytes of evaluations a policy may have remembered. It is
// more than 250 pods need of which each has a decision of its own about 1,000
// prefixes (22 MiB); a Set holds these anyway as the last good ones.
const memoLimit = 32 << 20

// Memoize returns a policy that evaluates p only on facts whose answers to p's
// reads it has not seen: a decision is a function of its reads, so subjects that
// answer alike share it. Errors are never remembered. Close closes p.
//
// A Set makes it forget what was not used for some passes. An evaluation for which there is
// no room is returned without its Reads: thousands of them for each of hundreds
// of pods are nothing that a daemon of some MiB can keep.
func Memoize(p Policy) Policy {
	return &memo{policy: p, root: &node{}, held: newHoldings()}
}

func (m *memo) Name() string { return m.policy.Name() }

func (m *memo) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	if e, ok := m.recall(facts); ok {
		return e, nil
	}
	m.counted.evaluations.Add(1)
	e, err := m.policy.Decide(ctx, facts)
	if err != nil || e.Provisional {
		return e, err
	}
	return m.store(e), nil
}

// viewer is a policy that sees other facts than the source has: those of its
// configuration. Its reads must be compared with the same.
type viewer interface {
	view(facts sdk.Source) sdk.Source
}

func seenBy(p Policy, facts sdk.Source) sdk.Source {
	if v, ok := p.(viewer); ok {
		return v.view(facts)
	}
	return facts
}

// recall returns a remembered evaluation.
func (m *memo) recall(facts sdk.Source) (Evaluation, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root.walk(seenBy(m.policy, facts))
	if n == nil {
		return Evaluation{}, false
	}
	m.counted.recalled.Add(1)
	if n.used != m.pass {
		n.used = m.pass
		m.used++
	}
	return *n.end, true
}

// store remembers an evaluation if there is room, and returns what is to be used
// in its place.
func (m *memo) store(e Evaluation) Evaluation {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held.size+sizeOf(&e) > memoLimit && !m.full {
		m.sweep(m.pass)
		m.full = true // what is left now is used: no need to look again
	}
	if m.held.size+sizeOf(&e) > memoLimit {
		e.Reads, e.Forgotten = nil, true
		return e
	}
	e = m.held.share(e)
	m.held.size += m.root.insert(&e, m.pass) * nodeSize
	m.evaluations, m.used = m.evaluations+1, m.used+1
	return e
}

// keptPasses is for how many passes at least a memo keeps what they do not use: a
// pod whose label goes and comes back, or that is replaced, is decided at once.
const keptPasses = 16

// forget ends a pass, after which the policy rests. Once in a while it drops what was not used for long.
func (m *memo) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used < m.evaluations && m.pass%keptPasses == 0 {
		m.sweep(m.pass - keptPasses + 1)
	}
	m.pass++
	m.used, m.full = 0, false
	if r, ok := m.policy.(rester); ok {
		r.rest()
	}
}

// rester is a policy that keeps what makes further evaluations cheap until it
// rests.
type rester interface{ rest() }

// sweep drops what was not used since a pass.
func (m *memo) sweep(since int) {
	held := newHoldings()
	m.used = 0
	nodes := m.root.prune(since, func(e *Evaluation) {
		m.used++
		held.count(e)
	})
	m.evaluations = m.used
	held.size += nodes * nodeSize
	held.takeOver(m.held)
	m.held = held
}

func (m *memo) Close(ctx context.Context) error {
	m.mu.Lock()
	m.root, m.held = &node{}, newHoldings()
	m.evaluations, m.used = 0, 0
	m.mu.Unlock()
	return m.policy.Close(ctx)
}

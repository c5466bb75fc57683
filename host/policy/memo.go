package policy

import (
	"context"
	"sync"

	"github.com/snatd/snatd/sdk"
)

// memo is a policy that remembers evaluations.
type memo struct {
	policy Policy

	mu   sync.Mutex
	root *node
	size int // estimated bytes below root
}

// memoLimit is how many bytes of evaluations a policy may have remembered; the
// next one starts again from nothing. A node full of pods with a decision each
// stays far below it.
const memoLimit = 8 << 20

// Memoize returns a policy that evaluates p only on facts whose answers to p's
// reads it has not seen: a decision is a function of its reads, so subjects that
// answer alike share it. Errors are never remembered. Close closes p.
func Memoize(p Policy) Policy {
	return &memo{policy: p, root: &node{}}
}

func (m *memo) Name() string { return m.policy.Name() }

func (m *memo) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	seen := facts
	if v, ok := m.policy.(viewer); ok {
		seen = v.view(facts)
	}
	if e := m.lookup(seen); e != nil {
		return *e, nil
	}
	e, err := m.policy.Decide(ctx, facts)
	if err == nil {
		m.store(&e)
	}
	return e, err
}

// viewer is a policy that sees other facts than the source has: those of its
// configuration. Its reads must be compared with the same.
type viewer interface {
	view(facts sdk.Source) sdk.Source
}

func (m *memo) lookup(facts sdk.Source) *Evaluation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.root.walk(facts)
}

func (m *memo) store(e *Evaluation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	size := sizeOf(e)
	if m.size+size > memoLimit {
		m.root, m.size = &node{}, 0
	}
	m.root.insert(e)
	m.size += size
}

func (m *memo) Close(ctx context.Context) error {
	m.mu.Lock()
	m.root, m.size = &node{}, 0
	m.mu.Unlock()
	return m.policy.Close(ctx)
}

package policy

import "sync/atomic"

// Work is what a policy has done since it was made.
type Work struct {
	// Evaluations are how many times it was run for a subject, also in vain.
	Evaluations uint64 `json:"evaluations"`
	// Recalled are how many times a remembered evaluation was the answer instead.
	Recalled uint64 `json:"recalled"`
	// GuestCalls are how many times a module was started or asked: 2 for an evaluation in
	// a fresh instance, 1 in one that was restored, none where it decides natively.
	GuestCalls uint64 `json:"guestCalls"`
}

// Plus is the work of both.
func (w Work) Plus(more Work) Work {
	return Work{w.Evaluations + more.Evaluations, w.Recalled + more.Recalled, w.GuestCalls + more.GuestCalls}
}

// WorkOf is what a policy has done, as far as it counts that: one from Memoize does, and
// one from Load. Several goroutines may ask.
func WorkOf(p Policy) Work {
	if counted, ok := p.(interface{ work() Work }); ok {
		return counted.work()
	}
	return Work{}
}

func (m *memo) work() Work {
	return m.counted.work().Plus(WorkOf(m.policy))
}

func (f *Fallback) work() Work { return WorkOf(f.module) }

func (m *Module) work() Work { return m.counted.work() }

// counted counts work.
type counted struct{ evaluations, recalled, guestCalls atomic.Uint64 }

func (c *counted) work() Work {
	return Work{c.evaluations.Load(), c.recalled.Load(), c.guestCalls.Load()}
}

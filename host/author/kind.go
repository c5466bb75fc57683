package author

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
)

// Kind is subjects that answer alike to everything that the module reads: one
// evaluation does for all of them.
type Kind struct {
	Subject  string  `json:"subject"` // the first of them
	Subjects int     `json:"subjects"`
	Reads    int     `json:"reads"`
	Entries  int     `json:"entries"`
	Cold     float64 `json:"cold"`     // evaluations per second, each in a fresh instance
	Memoised float64 `json:"memoised"` // evaluations per second, from memory
}

// group is a kind, and how its subjects are told.
type group struct {
	Kind
	facts sdk.Source // of the first of them
	reads []policy.Read
}

// groups are the kinds of all subjects, the largest first.
func (t *trial) groups(ctx context.Context, p policy.Policy) ([]*group, error) {
	var groups []*group
	for _, s := range t.subjects {
		e, err := p.Decide(ctx, s.Facts)
		if err != nil {
			return nil, t.failedFor(s.Name, err)
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return slices.Equal(g.reads, e.Reads) })
		if i < 0 {
			i = len(groups)
			kind := Kind{Subject: s.Name, Reads: len(e.Reads), Entries: len(e.Decision.Entries)}
			groups = append(groups, &group{kind, s.Facts, e.Reads})
		}
		groups[i].Subjects++
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(b.Subjects, a.Subjects) })
	return groups, nil
}

// measure fills in how often a kind is decided in a second, within twice a budget.
func (g *group) measure(ctx context.Context, cold, memoised policy.Policy, budget time.Duration) (err error) {
	decide := func(p policy.Policy) func() error {
		return func() error {
			_, err := p.Decide(ctx, g.facts)
			return err
		}
	}
	if g.Cold, err = perSecond(ctx, budget, decide(cold)); err == nil {
		g.Memoised, err = perSecond(ctx, budget, decide(memoised))
	}
	return err
}

// pass lets a policy decide for all subjects.
func (t *trial) pass(ctx context.Context, p policy.Policy) error {
	for _, s := range t.subjects {
		if _, err := p.Decide(ctx, s.Facts); err != nil {
			return t.failedFor(s.Name, err)
		}
	}
	return nil
}

// failedFor says for whom a module failed, unless it was stopped.
func (t *trial) failedFor(subject string, err error) error {
	if _, ok := errors.AsType[*policy.Error](err); !ok {
		return err
	}
	return fmt.Errorf("module %s: for %s: %s", t.file.Name, subject, policy.Message(err))
}

// perSecond runs f for a budget of time, and at least once.
func perSecond(ctx context.Context, budget time.Duration, f func() error) (float64, error) {
	// A look at the clock costs a tenth of what f may: more and more calls share
	// one until that does not count.
	const enough = time.Millisecond
	begin, calls, batch := time.Now(), 0, 1
	for {
		for range batch {
			if err := f(); err != nil {
				return 0, err
			}
		}
		if ctx.Err() != nil { // what is remembered does not look
			return 0, ctx.Err()
		}
		calls += batch
		elapsed := time.Since(begin)
		if elapsed >= budget {
			return float64(calls) / elapsed.Seconds(), nil
		}
		if elapsed < enough {
			batch *= 2
		}
	}
}

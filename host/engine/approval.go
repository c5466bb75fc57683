package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// approval is an operator's word for a ruleset, by the first digits of its digest.
type approval struct {
	digest string
	taken  *Held // what it was about, once that is known
	done   chan outcome
}

type outcome struct {
	held Held
	err  error
}

// leastDigits of a digest tell a ruleset from all others, and are what is printed.
const leastDigits = 12

// Approve lets the change through that is held, if it is the one with this digest, of which
// the first twelve digits suffice, and returns it once it is in force. It may be called by
// others than the one who runs the engine. If the context ends, it is not known yet what
// becomes of it.
func (e *Engine) Approve(ctx context.Context, digest string) (Held, error) {
	if len(digest) < leastDigits {
		return Held{}, fmt.Errorf("digest: %.100q, accepted: at least the first %d digits of the ruleset that is held", digest, leastDigits)
	}
	a := approval{digest: digest, done: make(chan outcome, 1)}
	select {
	case e.guard.approvals <- a:
	case <-ctx.Done():
		return Held{}, fmt.Errorf("another change is under way, ask again: %w", ctx.Err())
	}
	select {
	case out := <-a.done:
		return out.held, out.err
	case <-ctx.Done():
		return Held{}, fmt.Errorf("it takes long, snatd status tells what becomes of it: %w", ctx.Err())
	}
}

// approves says whether an operator has approved just that.
func (g *guard) approves(held *Held) bool {
	for _, a := range g.asked {
		if strings.HasPrefix(held.Ruleset, a.digest) {
			a.taken, g.approved = held, held
		}
	}
	if g.approved != nil && g.approved.Ruleset != held.Ruleset {
		g.approved = nil // it has become another one before the kernel accepted it
	}
	return g.approved != nil
}

// answer tells those who approved something what came of it, with the state after it.
func (g *guard) answer(state *State) {
	for _, a := range g.asked {
		switch {
		case a.taken != nil && state.Held == nil && state.Waiting == "":
			a.done <- outcome{held: *a.taken}
		case a.taken != nil:
			a.done <- outcome{err: fmt.Errorf("approved, and not in force yet: %s", state.Waiting)}
		case state.Held == nil:
			a.done <- outcome{err: errors.New("nothing is held")}
		default:
			a.done <- outcome{err: fmt.Errorf("%.100q is not what is held now: %s", a.digest, state.Held)}
		}
	}
	g.asked = nil
}

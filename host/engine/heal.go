package engine

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/snatd/snatd/host/dataplane"
)

// Repair is one time that others changed what snatd keeps in the kernel, and snatd put
// it right.
type Repair struct {
	// At is when.
	At time.Time `json:"at"`
	// What was different, in a few words each.
	What []string `json:"what"`
	// By says who did it, as far as the kernel told; empty if nobody was seen.
	By string `json:"by,omitempty"`
}

// String gives it in one line.
func (r Repair) String() string {
	text := strings.Join(r.What, ", ")
	if r.By != "" {
		text += ", by " + r.By
	}
	return text
}

// A program that changes the table again and again gets some repairs at once, and then
// one after pauses that double: two that fight must not take a processor each, and the
// node must not be without rules for long.
const (
	repairsAtOnce = 5
	shortestPause = 10 * time.Millisecond
	longestPause  = 250 * time.Millisecond
	peaceAfter    = 5 * time.Second // without a disturbance
)

// healer decides when what others have changed is put right.
type healer struct {
	// disturbances in a row, without peace between them, the last of which was at, and how
	// many of them left something to be put right.
	disturbances int
	damages      int
	at           time.Time
	// waiting is a disturbance that is to be healed, and due when; zero if there is none.
	waiting dataplane.Disturbance
	due     time.Time
	// verified is when the kernel was read last, and every how often it is at least; zero
	// is never.
	verified time.Time
	every    time.Duration
	// failures are how often in a row it could not be put right, for the last reason.
	failures int
	failure  error
	repairs  uint64
	last     Repair
	rival    string // the name of who did it last since there was peace; empty if that is not known
}

func newHealer(every time.Duration) *healer { return &healer{verified: time.Now(), every: every} }

// disturbed takes note of what others did: it is healed at once, unless there was a lot
// to heal.
func (h *healer) disturbed(d dataplane.Disturbance, now time.Time) {
	if now.Sub(h.at) > peaceAfter {
		h.disturbances, h.damages, h.rival = 0, 0, ""
	}
	h.at, h.rival = now, cmp.Or(d.Process, h.rival)
	if !h.due.IsZero() {
		h.waiting = h.waiting.And(d)
		return
	}
	h.disturbances++
	h.waiting, h.due = d, now.Add(h.pause())
}

// missed takes note that nobody told what others did for a while: anything may be
// different.
func (h *healer) missed(now time.Time) {
	if h.due.IsZero() {
		h.waiting, h.due = dataplane.Disturbance{Lost: true}, now
	}
}

// failed takes note that putting right what was disturbed failed: it is tried again.
func (h *healer) failed(d dataplane.Disturbance, err error, now time.Time) {
	h.failures++
	h.failure = err
	h.waiting, h.due = d, now.Add(h.pause())
}

// pause is how long the next repair waits.
func (h *healer) pause() time.Duration {
	more := max(h.disturbances-repairsAtOnce, h.failures)
	if more <= 0 {
		return 0
	}
	return min(shortestPause<<min(more-1, 10), longestPause)
}

// next is when to heal or verify; zero for never.
func (h *healer) next() time.Time {
	if h.every == 0 {
		return h.due
	}
	return earlier(h.due, h.verified.Add(h.every))
}

// heal puts right what others have changed, and says whether a pass has to follow, which
// tells of a fight and of what cannot be put right, and which waits for less if what an
// earlier run left is gone.
func (e *Engine) heal() (pass bool) {
	h := e.healer
	d, by, told := h.waiting, h.waiting.By(), !h.due.IsZero()
	h.waiting, h.due, h.verified = dataplane.Disturbance{}, time.Time{}, time.Now()
	if e.installer.refused && !told {
		return false // what differs is snatd's own, and for a pass to bring about
	}
	was := e.installer.idle()
	what, err := e.installer.verify()
	if len(what) > 0 {
		if h.failures == 0 {
			h.damages++
		}
		if err == nil {
			h.repairs++
			h.last = Repair{At: h.verified, What: what, By: by}
			level := slog.LevelWarn
			if h.fights(h.verified) { // which is said once
				level = slog.LevelDebug
			}
			e.log.Log(context.Background(), level, "rules were changed by others and put right", "what", strings.Join(what, ", "),
				"by", by, "duration", time.Since(h.verified))
		}
		state := *e.state.Load()
		e.installer.publish(&state)
		h.publish(&state)
		e.state.Store(&state)
	}
	if err != nil {
		if len(what) == 0 {
			err = fmt.Errorf("what the kernel has of snatd's rules cannot be looked at: %w", err)
		} else {
			err = fmt.Errorf("what others changed in snatd's rules is not put right yet: %w", err)
		}
		news := h.failure == nil || h.failure.Error() != err.Error()
		h.failed(d, err, time.Now())
		return news
	}
	mended := h.failures > 0
	h.failures, h.failure = 0, nil
	return mended || h.fights(h.verified) && len(what) > 0 || e.installer.idle() != was
}

// fights says whether somebody keeps changing what snatd keeps in the kernel.
func (h *healer) fights(now time.Time) bool {
	return h.damages > repairsAtOnce && now.Before(h.at.Add(peaceAfter))
}

// publish adds what was healed to a state.
func (h *healer) publish(state *State) {
	state.Repairs = h.repairs
	if h.repairs > 0 {
		last := h.last
		state.Repaired = &last
	}
}

// report adds the problem of what cannot be put right, and that of a fight, which ends when
// nothing is changed for a while.
func (h *healer) report(p *problems, now time.Time) (next time.Time) {
	if h.failure != nil {
		p.add("kernel", h.failure)
	}
	if !h.fights(now) {
		return time.Time{}
	}
	by := "another program"
	if h.rival != "" {
		by = h.rival
	}
	// Nothing that differs from one time to the next: it is told once.
	p.add("kernel", fmt.Errorf("%s keeps changing snatd's rules, which are put right with pauses of up to %s: in between packets may not be translated, or leave by another interface; stop it from doing so", by, longestPause))
	return h.at.Add(peaceAfter)
}

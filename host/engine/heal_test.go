package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/dataplane"
)

func disturbance(process string) dataplane.Disturbance {
	return dataplane.Disturbance{Transactions: 1, What: []string{"table deleted"}, Process: process, PID: 7}
}

// The first few disturbances are healed at once, more only after pauses, and then it is a
// fight until nothing was disturbed for a while.
func TestHealerSlowsDown(t *testing.T) {
	now := time.Now()
	h := newHealer(0)
	for n := range repairsAtOnce {
		h.disturbed(disturbance("nft"), now)
		if !h.due.Equal(now) || h.fights(now) {
			t.Fatalf("disturbance %d: due after %s, fights %v", n, h.due.Sub(now), h.fights(now))
		}
		h.due = time.Time{} // healed
	}
	for n, want := range []time.Duration{10, 20, 40, 80, 160, 250, 250} {
		h.disturbed(disturbance("nft"), now)
		if h.due.Sub(now) != want*time.Millisecond || !h.fights(now) {
			t.Fatalf("disturbance %d: due after %s, fights %v", n, h.due.Sub(now), h.fights(now))
		}
		// More of them before that are healed along with it.
		h.disturbed(disturbance("firewalld"), now)
		if h.waiting.Transactions != 2 || h.waiting.By() != "firewalld (PID 7)" {
			t.Errorf("waiting %+v", h.waiting)
		}
		now, h.due = h.due, time.Time{}
	}
	// What was not told by whom, and a verification, leave the name as it is.
	h.disturbed(dataplane.Disturbance{}, now)
	h.due, h.waiting = time.Time{}, dataplane.Disturbance{}
	var p problems
	end := h.report(&p, now)
	if len(p.list) != 1 || !strings.HasPrefix(p.list[0].Message, "firewalld keeps changing snatd's rules") || !end.After(now) {
		t.Errorf("problems %v until %s", p.list, end.Sub(now))
	}
	p = problems{}
	if end := h.report(&p, end); len(p.list) != 0 || !end.IsZero() {
		t.Errorf("problems %v after the fight", p.list)
	}
	h.disturbed(disturbance("nft"), end.Add(peaceAfter+time.Second))
	if h.disturbances != 1 || h.rival != "nft" {
		t.Errorf("%d disturbances in a row after peace, the last by %q", h.disturbances, h.rival)
	}
	h.disturbed(dataplane.Disturbance{Lost: true}, h.at.Add(peaceAfter+time.Second))
	if h.rival != "" {
		t.Errorf("after peace it is %q still", h.rival)
	}
}

// What nobody told is looked for at once, and is no fight.
func TestHealerMissed(t *testing.T) {
	now := time.Now()
	h := newHealer(0)
	for range 2 * repairsAtOnce {
		h.missed(now)
		if !h.due.Equal(now) || !h.waiting.Lost || h.fights(now) {
			t.Fatalf("due after %s, waiting for %s, fights %v", h.due.Sub(now), h.waiting, h.fights(now))
		}
	}
}

// Verification is due so long after the last reading, and healing before that.
func TestHealerIsDue(t *testing.T) {
	h := newHealer(0)
	if got := h.next(); !got.IsZero() {
		t.Errorf("due at %s, want never", got)
	}
	h.every = time.Minute
	if got := h.next(); !got.Equal(h.verified.Add(time.Minute)) {
		t.Errorf("due at %s", got)
	}
	h.disturbed(disturbance("nft"), h.verified)
	if got := h.next(); !got.Equal(h.verified) {
		t.Errorf("due at %s", got)
	}
}

package test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/snatd/snatd/host/lab"
)

// history is what was in force when, and what flows were held against it.
type history struct {
	t   *testing.T
	net *fireNet
	// periods follow each other without a gap.
	periods []period
	flows   int
	wrong   map[string]*violation // by what they have in common
}

// period is a time in which each of these views may be what the kernel has.
type period struct {
	from  time.Duration
	what  string
	views []view
}

// keptPeriods are those that a flow's time may reach back to.
const keptPeriods = 64

// violation is flows that were decided in the same wrong way in the same period.
type violation struct {
	example     string
	count       int
	first, last time.Duration // when they were sent
}

// begin ends a period and begins the next one.
func (h *history) begin(from time.Duration, what string, views ...view) {
	h.periods = append(h.periods, period{from, what, views})
	if n := len(h.periods); n > keptPeriods {
		h.periods = slices.Clone(h.periods[n-keptPeriods:])
	}
}

// check holds flows against all that may have been in force between their sending
// and their seeing.
func (h *history) check(flows []flowRecord) {
	h.flows += len(flows)
	for _, f := range flows {
		if periods := h.during(f); !allowed(f, periods) {
			h.note(f, periods)
		}
	}
}

// during are the periods that a flow was on its way in.
func (h *history) during(f flowRecord) []period {
	first := len(h.periods) - 1
	for first > 0 && h.periods[first].from > f.sent {
		first--
	}
	last := len(h.periods)
	for last > first+1 && h.periods[last-1].from > f.seen {
		last--
	}
	return h.periods[first:last]
}

func allowed(f flowRecord, periods []period) bool {
	for _, p := range periods {
		for _, v := range p.views {
			if v[f.from][f.to] == f.source {
				return true
			}
		}
	}
	return false
}

func (h *history) note(f flowRecord, periods []period) {
	src, dst := h.net.sources[f.from].addr, h.net.destinations[f.to]
	var what []string
	for _, p := range periods {
		var decided []string
		for _, v := range p.views {
			decided = append(decided, role(v[f.from][f.to], src))
		}
		what = append(what, fmt.Sprintf("%s (%s)", p.what, strings.Join(decided, ", ")))
	}
	kind := fmt.Sprintf("%s: seen as %s", strings.Join(what, "; "), role(f.source, src))
	v := h.wrong[kind]
	if v == nil {
		v = &violation{first: f.sent, example: fmt.Sprintf("from %s to %s (%s) seen as %s", src, dst.to, dst.real, f.source)}
		h.wrong[kind] = v
	}
	v.count++
	v.first, v.last = min(v.first, f.sent), max(v.last, f.sent)
}

// role says what an address is to a flow.
func role(a, own netip.Addr) string {
	switch {
	case !a.IsValid():
		return "nothing"
	case a == own:
		return "itself"
	case a == lab.NodePrimary:
		return "primary"
	}
	return a.String()
}

// lost takes note of flows that no peer saw, of which the kernel has dropped some
// on its own.
func (h *history) lost(flows []flowRecord, unlucky int) {
	h.flows += len(flows)
	if len(flows) <= unlucky {
		return
	}
	h.t.Errorf("%d flows were seen by nobody, of which the node's connection tracking dropped %d by itself", len(flows), unlucky)
	for _, f := range flows {
		f.seen = f.sent
		h.note(f, h.during(f))
	}
}

// mostShown is how many kinds of violations are told.
const mostShown = 20

// end reports.
func (h *history) end() {
	h.t.Helper()
	violations := 0
	kinds := slices.SortedFunc(maps.Keys(h.wrong), func(a, b string) int { return int(h.wrong[a].first - h.wrong[b].first) })
	for i, kind := range kinds {
		v := h.wrong[kind]
		violations += v.count
		if i < mostShown {
			h.t.Errorf("%d flows sent between %s and %s: %s; such as %s", v.count, v.first, v.last, kind, v.example)
		}
	}
	if n := len(kinds) - mostShown; n > 0 {
		h.t.Errorf("and %d kinds more", n)
	}
	h.t.Logf("%d flows, %d violations", h.flows, violations)
}

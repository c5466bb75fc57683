// Package health judges how the daemon is, for probes and for people: from values that it
// is handed, at a time that it is told. It asks nothing, neither the daemon nor the kernel.
package health

import (
	"fmt"
	"time"

	"github.com/snatd/snatd/host/facts"
)

// Health is what is judged.
type Health struct {
	// Progress is when the daemon's loop last went on.
	Progress time.Time
	// Ready says that the kernel holds what the last good inputs demand. If not, Waiting
	// says what the daemon waits for.
	Ready   bool
	Waiting string
	// Sources are those whose facts count.
	Sources []facts.Provenance
}

// A pass over hundreds of pods with new modules takes seconds, and more on a node without
// CPU time to spare; nothing that goes on takes two minutes. A source that fails is asked
// again after some seconds: one that fails for five minutes is not there.
const (
	hungAfter  = 2 * time.Minute
	staleAfter = 5 * time.Minute
)

// Hangs says why the daemon is not alive; empty if it is.
func (h Health) Hangs(now time.Time) string {
	if stands := now.Sub(h.Progress); stands > hungAfter {
		return fmt.Sprintf("the daemon's loop hangs: it went on last %s ago", stands.Round(time.Second))
	}
	return ""
}

// Unready says what is missing; empty if nothing is.
func (h Health) Unready(now time.Time) string {
	switch {
	case !h.Ready && h.Waiting == "":
		return "not ready"
	case !h.Ready:
		return h.Waiting
	}
	for _, p := range h.Sources {
		switch failing := now.Sub(p.Since); {
		case p.Error != "" && failing > staleAfter:
			return fmt.Sprintf("facts of %s are old: reading it fails for %s: %s", p.Source, failing.Round(time.Second), p.Error)
		case p.Error == "" && p.Success.IsZero():
			return fmt.Sprintf("facts of %s have not been read yet", p.Source)
		}
	}
	return ""
}

package dataplane

import (
	"fmt"
	"slices"
	"strings"
)

// Disturbance is one transaction of somebody else that touched a table, or several of
// which nobody has taken the first yet.
type Disturbance struct {
	// Transactions is how many they are; those of which notifications were lost do not
	// count.
	Transactions int
	// What was done, as in "element of map pods deleted", each once; at most maxWhat.
	What []string
	// More says that What is not all.
	More bool
	// Lost says that notifications were lost: anything may have happened.
	Lost bool
	// Process is the name of who did it last, as /proc/PID/comm has it; empty if that is
	// not known. PID is the thread's ID, which is the process's unless it has several, in
	// the machine's own PID namespace; zero if it is not known.
	Process string
	PID     int
}

// maxWhat is enough to recognise who did it and why; the rest repeats.
const maxWhat = 4

// String gives it in one line.
func (d Disturbance) String() string {
	what := slices.Clone(d.What)
	if d.More {
		what = append(what, "more")
	}
	if d.Lost {
		what = append(what, "notifications lost")
	}
	text := strings.Join(what, ", ")
	if by := d.By(); by != "" {
		text += ", by " + by
	}
	return text
}

// By is who did it last; empty if that is not known.
func (d Disturbance) By() string {
	if d.PID == 0 {
		return ""
	}
	return fmt.Sprintf("%s (PID %d)", d.Process, d.PID)
}

// note adds what was done.
func (d *Disturbance) note(what string) {
	switch {
	case slices.Contains(d.What, what):
	case len(d.What) == maxWhat:
		d.More = true
	default:
		d.What = append(d.What, what)
	}
}

// And is both, the later one last.
func (d Disturbance) And(later Disturbance) Disturbance {
	both := Disturbance{
		Transactions: d.Transactions + later.Transactions,
		What:         slices.Clone(d.What), More: d.More || later.More, Lost: d.Lost || later.Lost,
		Process: d.Process, PID: d.PID,
	}
	for _, what := range later.What {
		both.note(what)
	}
	if later.PID != 0 {
		both.Process, both.PID = later.Process, later.PID
	}
	return both
}

// Package screen is what a person is told of a daemon at a glance: its status in words, in
// sections of lines, worst first. The terminal and the status page show the same; how they
// do is theirs. What follows from a status is for nobody to decide here.
package screen

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/history"
)

// Level is how much a line matters.
type Level string

// The levels.
const (
	Plain Level = ""
	Good  Level = "good"
	Warn  Level = "warn"
	Bad   Level = "bad"
)

// Line is one line of text, which may hold anything that modules and others said.
type Line struct {
	Level Level
	Text  string
}

// Section is lines about one thing; it has at least one.
type Section struct {
	Title string
	Lines []Line
}

// Screen is all of it.
type Screen struct {
	// Verdict says whether the daemon is healthy, and if not why.
	Verdict  Line
	Sections []Section
}

// Silent is a screen of a daemon that does not answer, for the reason given.
func Silent(why error) Screen {
	return Screen{Verdict: Line{Bad, fmt.Sprintf("not healthy: %v", why)}}
}

// Of says what a status is at a time.
func Of(s api.Status, now time.Time) Screen {
	screen := Screen{Verdict: verdict(s)}
	add := func(title string, lines ...Line) {
		if len(lines) > 0 {
			screen.Sections = append(screen.Sections, Section{title, lines})
		}
	}
	if len(s.Why) > 1 {
		add("wrong", each(s.Why, func(why string) Line { return Line{Bad, why} })...)
	}
	if s.Held != nil {
		add("held", Line{Warn, s.Held.String()}, Line{Plain, "snatd plan shows it, snatd approve lets it through"})
	}
	for _, n := range s.Neighbours {
		add("warning", Line{Warn, n.String()}, Line{Plain, "fix: " + n.Fix})
	}
	if r := s.Repaired; r != nil {
		add("repairs", Line{Warn, fmt.Sprintf("%d since the start, the last %s ago: %s", s.Repairs, age(now, r.At), r)})
	}
	add("facts", each(s.Sources, func(p facts.Provenance) Line { return sourceLine(p, now) })...)
	modules := each(s.Modules, moduleLine)
	if s.Wasm != "" {
		modules = append(modules, wasmLine(s.Wasm))
	}
	add("modules", modules...)
	add("classes", each(s.Classes, classLine)...)
	add("pods", podLines(s)...)
	add("changes", changeLines(s, now)...)
	add("connections", connectionLines(s)...)
	add("node", nodeLines(s)...)
	add("snatd", Line{Plain, s.Version})
	return screen
}

func each[T any](all []T, line func(T) Line) (lines []Line) {
	for _, one := range all {
		lines = append(lines, line(one))
	}
	return lines
}

func verdict(s api.Status) Line {
	why := s.Why
	if len(why) == 0 && !s.Healthy { // a daemon of before there were reasons
		why = []string{cmp.Or(s.Waiting, "it does not say why")}
	}
	return Verdict(why, len(s.Neighbours), s.Ruleset != "")
}

// Verdict says whether a daemon is healthy: why not, how many warnings there are about other
// programs, and whether something is to be in the kernel.
func Verdict(why []string, warnings int, installed bool) Line {
	switch {
	case len(why) == 1:
		return Line{Bad, "not healthy: " + why[0]}
	case len(why) > 1:
		return Line{Bad, fmt.Sprintf("not healthy: %s, and %d more", why[0], len(why)-1)}
	case warnings > 0:
		return Line{Warn, fmt.Sprintf("healthy, with %s about other programs", number(warnings, "warning"))}
	case !installed:
		return Line{Good, "healthy: nothing is to be in the kernel"}
	}
	return Line{Good, "healthy: the kernel holds what facts and modules demand"}
}

// sourceLine is one source of facts: how old its facts are, and if it fails, why
// and when it is asked again.
func sourceLine(p facts.Provenance, now time.Time) Line {
	line := Line{Plain, p.Source + ", "}
	if p.Success.IsZero() {
		line.Level = Warn
		line.Text += "never read"
	} else {
		line.Text += "read " + age(now, p.Success) + " ago"
	}
	if p.Error == "" {
		return line
	}
	line.Level = Bad
	line.Text += fmt.Sprintf("; fails for %s, failed %s ago", age(now, p.Since), age(now, p.Failure))
	if p.Next.After(now) {
		line.Text += ", next try in " + age(p.Next, now)
	}
	return line
}

func wasmLine(mode string) Line {
	switch mode {
	case "compiler":
		return Line{Plain, "run compiled"}
	case "none":
		return Line{Bad, "do not run: this process cannot run Wasm"}
	}
	return Line{Warn, "run by an " + mode + ", several times slower"}
}

func classLine(c api.Class) Line {
	text := fmt.Sprintf("%s: %s, %s in %s; elsewhere %s", c.Name, number(c.Pods, "pod"),
		number(c.Prefixes, "prefix"), number(c.Ranges, "range"), c.Default)
	if c.Source != "" {
		text += " to " + c.Source
	}
	if c.Node {
		text += "; also for pods that are not known"
	}
	return Line{Plain, text}
}

func podLines(s api.Status) (lines []Line) {
	if s.Subjects > 0 {
		lines = append(lines, Line{Plain, fmt.Sprintf("%d decided, of which %d differ from the node", s.Subjects-1, s.Pods)})
	}
	if len(s.PodsWaiting) > 0 {
		lines = append(lines, Line{Plain, "without an address yet: " + some(s.PodsWaiting)})
	}
	return lines
}

func changeLines(s api.Status, now time.Time) []Line {
	if s.Applied == nil {
		return []Line{{Plain, "none since the start"}}
	}
	lines := []Line{{Plain, fmt.Sprintf("%d since the start, the last %s ago; ruleset %.12s", s.Changes, age(now, *s.Applied), s.Ruleset)}}
	for _, c := range s.LastChanges {
		level, result := Plain, ""
		if c.Result != history.Applied {
			level, result = Warn, string(c.Result)+", "
		}
		lines = append(lines, Line{level, fmt.Sprintf("number %d, %s ago: %s%s", c.Number, age(now, c.Time), result, c.Because)})
	}
	return lines
}

func connectionLines(s api.Status) (lines []Line) {
	if s.Draining > 0 {
		lines = append(lines, Line{Plain, fmt.Sprintf("%d live ones go on as earlier rules decided", s.Draining)})
	}
	if s.Kept > 0 {
		lines = append(lines, Line{Plain, fmt.Sprintf("%d live ones keep what they need of earlier rules", s.Kept)})
	}
	if s.Ended > 0 {
		lines = append(lines, Line{Plain, fmt.Sprintf("%d were ended by changes since the start", s.Ended)})
	}
	return lines
}

func nodeLines(s api.Status) (lines []Line) {
	if s.Primary != "" {
		lines = append(lines, Line{Plain, "primary address " + s.Primary + " on " + s.Interface})
	}
	for _, i := range s.Interfaces {
		text := fmt.Sprintf("interface %s, MAC %s, device %d of card %d", cmp.Or(i.Name, "not on this node yet"), i.MAC, i.Device, i.Card)
		if i.Primary {
			text += ", primary"
		}
		lines = append(lines, Line{Plain, text})
	}
	if s.Protection != "" {
		lines = append(lines, Line{Plain, "table: " + string(s.Protection)})
	}
	return append(lines, Line{Plain, "Linux " + s.Kernel.Release})
}

// mostNamed is how many of many things are named.
const mostNamed = 10

func some(names []string) string {
	if more := len(names) - mostNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

func number(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "x"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// age is how long ago something was, as people say it.
func age(now, then time.Time) string {
	d := max(0, now.Sub(then))
	switch {
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

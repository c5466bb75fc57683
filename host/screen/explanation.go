package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/facts"
)

// explaining collects the sections of an explanation.
type explaining struct {
	sections []Section
	now      time.Time
}

// add adds a line below a title, which is told once for lines that follow each other.
func (x *explaining) add(title string, level Level, format string, args ...any) {
	line := Line{level, fmt.Sprintf(format, args...)}
	if last := len(x.sections) - 1; last >= 0 && x.sections[last].Title == title {
		x.sections[last].Lines = append(x.sections[last].Lines, line)
		return
	}
	x.sections = append(x.sections, Section{title, []Line{line}})
}

// Explain says what an explanation is at a time.
func Explain(e engine.Explanation, now time.Time) Screen {
	x := &explaining{now: now}
	to := e.To
	if e.Service != nil && e.Service.Endpoint != "" {
		to += ", at " + e.Service.Endpoint
	}
	if e.Never != "" {
		x.add("never decided", Plain, "%s", e.Never)
	}
	if s := e.Service; s != nil {
		for _, endpoint := range s.Endpoints {
			x.add("service", Plain, "leads to %s (by %s): %s, seen as %s", endpoint.Address, endpoint.Told, endpoint.Action, endpoint.Source)
		}
		if s.Untold != "" {
			x.add("service", Warn, "where it leads cannot be told for sure: %s", s.Untold)
		}
	}
	if e.Module != "" {
		x.add(decider(e.Never), Plain, "%s", versionOf(e.Decider.Asked))
		x.add("because", Plain, "%s", e.Reason)
		x.add("prefix", Plain, "%s", e.Prefix)
		x.reads("facts read", e.Decider.Asked)
	}
	for _, asked := range e.Asked {
		x.sections = append(x.sections, Section{"asked before", []Line{{Plain, versionOf(asked) + ", which says nothing of the destination"}}})
		x.reads("  facts read", asked)
	}
	if e.Class != "" {
		x.class(e)
	}
	if k := e.Kernel; k != nil {
		x.kernel(*k)
	}
	for _, note := range e.Notes {
		x.add("not sure", Warn, "%s", note)
	}
	return Screen{Line{Plain, fmt.Sprintf("%s -> %s: %s, seen as %s", e.From, to, e.Action, e.Source)}, x.sections}
}

func decider(never string) string {
	if never != "" {
		return "else by"
	}
	return "decided by"
}

// versionOf is a module with what is known of the version that decides.
func versionOf(a engine.Asked) string {
	text := a.Module
	switch {
	case a.Native:
		text += " (native)"
	case a.SHA256 != "":
		text += fmt.Sprintf(" %.12s", a.SHA256)
	}
	if a.Name != "" {
		text += ", " + strings.TrimSpace(a.Name+" "+a.Version)
	}
	if a.Kept {
		text += ", its last good answer: it fails now"
	}
	return text
}

func (x *explaining) reads(title string, a engine.Asked) {
	for _, read := range a.Reads {
		x.add(title, Plain, "%s, from %s", read.Read, x.provenance(read.From))
	}
	if a.Forgotten {
		x.add(title, Plain, "too many to remember")
	}
}

// provenance is a source, with how old what it said is.
func (x *explaining) provenance(p facts.Provenance) string {
	text := p.Source
	if !p.Success.IsZero() {
		text += ", read " + age(x.now, p.Success) + " ago"
	}
	if p.Error != "" {
		text += ", fails now"
	}
	return text
}

func (x *explaining) class(e engine.Explanation) {
	x.add("in kernel", Plain, "class %s", e.Class)
	last := true
	for _, element := range e.Elements {
		x.add("in kernel", Plain, "map %s, element %s", element.Map, element.Element)
		last = last && element.Map != e.Class
	}
	if last {
		x.add("in kernel", Plain, "map %s, no element: the last rule of the class", e.Class)
	}
}

func (x *explaining) kernel(k engine.Kernel) {
	switch {
	case k.Error != "":
		x.add("kernel", Warn, "could not be asked: %s", k.Error)
	case k.Agrees:
		x.add("kernel", Good, "agrees")
	case k.Action == "":
		x.add("kernel", Bad, "disagrees: %s", strings.Join(k.Differences, "; "))
	default:
		x.add("kernel", Bad, "disagrees: it does %s, seen as %s; %s", k.Action, k.Source, strings.Join(k.Differences, "; "))
	}
}

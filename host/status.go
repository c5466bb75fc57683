package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/facts"
)

func statusCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "status",
		Short:   "ask the daemon how it is",
		Example: "  snatd status -o json",
	}
	question := func(ctx context.Context, daemon *api.Client) (api.Status, error) { return daemon.Status(ctx) }
	return askCommand(command, question, printStatus)
}

func printStatus(out io.Writer, s api.Status) error {
	var text strings.Builder
	if s.Ready {
		fmt.Fprintf(&text, "ready: the kernel holds ruleset %.12s\n", s.Ruleset)
	} else {
		fmt.Fprintf(&text, "not ready: %s\n", s.Waiting)
	}
	for _, p := range s.Problems {
		fmt.Fprintf(&text, "problem: %s\n", p)
	}
	for _, n := range s.Neighbours {
		fmt.Fprintf(&text, "warning: %s; fix: %s\n", n, n.Fix)
	}
	if s.Repaired != nil {
		fmt.Fprintf(&text, "repaired: %d times, the last %s ago: %s\n", s.Repairs, time.Since(s.Repaired.At).Round(time.Second), s.Repaired)
	}
	if s.Protection != "" {
		fmt.Fprintf(&text, "table: %s\n", s.Protection)
	}
	if s.Draining > 0 {
		fmt.Fprintf(&text, "draining: %d connections go on as earlier rules decided\n", s.Draining)
	}
	if s.Kept > 0 {
		fmt.Fprintf(&text, "earlier rules: %d live connections keep what they need of them\n", s.Kept)
	}
	if s.Primary != "" {
		fmt.Fprintf(&text, "primary: %s on %s\n", s.Primary, s.Interface)
	}
	for _, f := range s.Sources {
		text.WriteString(sourceLine(f, time.Now()))
	}
	for _, i := range s.Interfaces {
		fmt.Fprintf(&text, "interface: %s, MAC %s, device %d of card %d%s\n",
			cmp.Or(i.Name, "not on this node yet"), i.MAC, i.Device, i.Card, primaryNote(i.Primary))
	}
	if s.Wasm != "" {
		fmt.Fprintf(&text, "wasm: %s\n", s.Wasm)
	}
	for _, m := range s.Modules {
		text.WriteString(moduleLine(m))
	}
	if len(s.PodsWaiting) > 0 {
		fmt.Fprintf(&text, "pods without an address yet: %s\n", strings.Join(s.PodsWaiting, ", "))
	}
	fmt.Fprintf(&text, "subjects: %d, of which %d pods differ from the node; classes: %d; changes: %d\n",
		s.Subjects, s.Pods, len(s.Classes), s.Changes)
	_, err := io.WriteString(out, text.String())
	return err
}

// sourceLine is one source of facts: how old its facts are, and if it fails, why
// and when it is asked again.
func sourceLine(f facts.Provenance, now time.Time) string {
	line := "facts: " + f.Source + ", "
	if f.Success.IsZero() {
		line += "never read"
	} else {
		line += "read " + now.Sub(f.Success).Round(time.Second).String() + " ago"
	}
	if f.Error != "" {
		line += "; failed " + now.Sub(f.Failure).Round(time.Second).String() + " ago"
		if f.Next.After(now) {
			line += ", next try in " + f.Next.Sub(now).Round(time.Second).String()
		}
	}
	return line + "\n"
}

// moduleLine is one module: how its file is, which version decides, and what it
// would change if it decided.
func moduleLine(m engine.ModuleStatus) string {
	line := fmt.Sprintf("module: %s %s", m.Name, m.State)
	version := fmt.Sprintf("%.12s, %d KiB, loaded in %d ms", m.SHA256, (m.Size+1023)/1024, m.Milliseconds)
	if m.Metadata != nil {
		version += ", " + m.Metadata.String()
	}
	other := m.FileSHA256 != "" || m.State == "loading" || m.State == "failed" && m.Failing == 0
	switch {
	case m.Native && m.State == "loading":
		line += ", the same policy decides natively until then"
	case !other && m.SHA256 != "":
		line += " " + version
	case other:
		if m.FileSHA256 != "" {
			line += fmt.Sprintf(" %.12s", m.FileSHA256)
		}
		if m.State == "loading" && m.Error != "" { // else it is among the problems
			line += ": " + m.Error
		}
		switch {
		case m.SHA256 == "":
			line += "; no version decides"
		case m.Shadow != nil:
			line += "; in shadow mode is the version before, " + version
		default:
			line += "; the version before decides, " + version
		}
	}
	if m.Shadow != nil {
		line += fmt.Sprintf("; would change %d subjects", m.Shadow.Subjects)
		if len(m.Shadow.Changes) > 0 {
			largest := m.Shadow.Largest()
			line += fmt.Sprintf(", up to %.2g%% of the address space (%s)", 100*largest.Share, largest.Subject)
		}
	}
	return line + "\n"
}

func primaryNote(primary bool) string {
	if primary {
		return ", primary"
	}
	return ""
}

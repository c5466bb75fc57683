package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
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
	if s.Primary != "" {
		fmt.Fprintf(&text, "primary: %s on %s\n", s.Primary, s.Interface)
	}
	for _, f := range s.Sources {
		fmt.Fprintf(&text, "facts: %s, read %s\n", f.Source, ago(f.Success))
	}
	for _, m := range s.Modules {
		fmt.Fprintf(&text, "module: %s %s %.12s\n", m.Name, m.State, m.SHA256)
	}
	if len(s.PodsWaiting) > 0 {
		fmt.Fprintf(&text, "pods without an address yet: %s\n", strings.Join(s.PodsWaiting, ", "))
	}
	fmt.Fprintf(&text, "subjects: %d, of which %d pods differ from the node; classes: %d; changes: %d\n",
		s.Subjects, s.Pods, len(s.Classes), s.Changes)
	_, err := io.WriteString(out, text.String())
	return err
}

// ago is how long ago something was, for people.
func ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return time.Since(t).Round(time.Second).String() + " ago"
}

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
)

func explainCommand() *cobra.Command {
	var flags configFlags
	var from, to string
	command := &cobra.Command{
		Use:     "explain --from POD|IP --to IP",
		Short:   "ask the daemon what happens to a connection, and why",
		Example: "  snatd explain --from default/web-1 --to 198.51.100.10",
		Args:    cobra.NoArgs,
	}
	flags.add(command)
	command.Flags().StringVar(&from, "from", "", "a pod as `NAMESPACE/NAME`, or an IPv4 address")
	command.Flags().StringVar(&to, "to", "", "the destination's IPv4 `ADDRESS`")
	_ = command.MarkFlagRequired("from")
	_ = command.MarkFlagRequired("to")
	output := addOutput(command, "text", "json")
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		explanation, err := api.NewClient(cfg.Socket).Explain(command.Context(), from, to)
		if err != nil {
			return err
		}
		if output.value == "json" {
			return writeJSON(command.OutOrStdout(), explanation)
		}
		return printExplanation(command.OutOrStdout(), explanation)
	}
	return command
}

func printExplanation(out io.Writer, e engine.Explanation) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s -> %s: %s, seen as %s\n", e.From, e.To, e.Action, e.Source)
	fmt.Fprintf(&text, "  decided by  %s\n", e.Module)
	fmt.Fprintf(&text, "  because     %s\n", e.Reason)
	if e.Prefix != "" {
		fmt.Fprintf(&text, "  prefix      %s\n", e.Prefix)
	}
	for i, read := range e.Reads {
		label := "facts read"
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(&text, "  %-10s  %s\n", label, read)
	}
	if e.Class != "" {
		fmt.Fprintf(&text, "  in kernel   chain %s\n", e.Class)
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func statusCommand() *cobra.Command {
	var flags configFlags
	command := &cobra.Command{
		Use:     "status",
		Short:   "ask the daemon how it is",
		Example: "  snatd status -o json",
		Args:    cobra.NoArgs,
	}
	flags.add(command)
	output := addOutput(command, "text", "json")
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		status, err := api.NewClient(cfg.Socket).Status(command.Context())
		if err != nil {
			return err
		}
		if output.value == "json" {
			return writeJSON(command.OutOrStdout(), status)
		}
		return printStatus(command.OutOrStdout(), status)
	}
	return command
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
	for _, m := range s.Modules {
		fmt.Fprintf(&text, "module: %s %s %.12s\n", m.Name, m.State, m.SHA256)
	}
	fmt.Fprintf(&text, "subjects: %d, of which %d pods differ from the node; classes: %d; changes: %d\n",
		s.Subjects, s.Pods, len(s.Classes), s.Changes)
	_, err := io.WriteString(out, text.String())
	return err
}

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
)

func explainCommand() *cobra.Command {
	var from, to string
	command := &cobra.Command{
		Use:     "explain --from POD|IP --to IP",
		Short:   "ask the daemon what happens to a connection, and why",
		Example: "  snatd explain --from default/web-1 --to 198.51.100.10",
	}
	command.Flags().StringVar(&from, "from", "", "a pod as `NAMESPACE/NAME`, or an IPv4 address")
	command.Flags().StringVar(&to, "to", "", "the destination's IPv4 `ADDRESS`")
	_ = command.MarkFlagRequired("from") // fails for unknown flags only
	_ = command.MarkFlagRequired("to")
	question := func(ctx context.Context, daemon *api.Client) (engine.Explanation, error) {
		return daemon.Explain(ctx, from, to)
	}
	return askCommand(command, question, printExplanation)
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

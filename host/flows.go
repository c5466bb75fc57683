package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
)

func flowsCommand() *cobra.Command {
	most := 100
	command := &cobra.Command{
		Use:   "flows",
		Short: "ask the daemon which connections are translated, and why",
		Long: `Lists live translated connections: who opened them, where to, where they really go after
DNAT, the source that the other end sees, and the module and reason that decide about them
today. One that earlier rules decided otherwise says so.`,
		Example: "  snatd flows --limit 1000 -o json",
	}
	command.Flags().IntVar(&most, "limit", most, "list at most `N` connections, from 1 to 100000")
	question := func(ctx context.Context, daemon *api.Client) (engine.Flows, error) { return daemon.Flows(ctx, most) }
	return askCommand(command, question, printFlows)
}

func printFlows(out io.Writer, flows engine.Flows) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROTOCOL\tSOURCE\tPOD\tDESTINATION\tENDPOINT\tSEEN AS\tSTATE\tDECIDED BY\tREASON")
	for _, f := range flows.Flows {
		endpoint := ""
		if f.Endpoint != f.Destination {
			endpoint = f.Endpoint.String()
		}
		reason := f.Reason
		if !f.Decision.Current {
			reason = "earlier rules; today " + string(f.Decision.Outcome.Action) + ": " + f.Reason
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.Protocol, f.Source, f.Subject, f.Destination, endpoint, f.Seen, f.State, f.Module, reason)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d translated connections\n", len(flows.Flows), flows.Total)
	return err
}

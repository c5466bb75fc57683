package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/history"
)

func historyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "history",
		Short: "ask the daemon what it changed last, and from what",
		Long: `Lists the last changes, the oldest first: those that are in force or were, those that the
guard holds or held, and those that the kernel refused. At most 32 are kept, over restarts too
if history.directory names where.

With -o json, a list:

  number        counts up, and is what --at and export take
  time          when
  result        "applied", "held" or "refused"; error is why it was refused, else absent
  ruleset       the digest of what was decided, "" for nothing
  facts         a digest of the facts that it was decided from
  modules       those that decided, a list: name, and sha256, absent for a policy of the
                binary that decides natively
  because       what differs from before
  operations    on the kernel's objects
  milliseconds  from the inputs to the kernel
  inexact       why other rules may follow from the same facts; absent if the same do`,
		Example: `  snatd history
  snatd history export 12 change-12`,
	}
	question := func(ctx context.Context, daemon *api.Client) ([]history.Entry, error) { return daemon.History(ctx) }
	command = askCommand(command, question, printHistory)
	command.AddCommand(exportCommand())
	return command
}

func printHistory(out io.Writer, entries []history.Entry) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NUMBER\tTIME\tRESULT\tRULESET\tFACTS\tOPERATIONS\tTOOK\tBECAUSE")
	for _, e := range entries {
		because := visible(e.Because)
		if e.Error != "" {
			because += "; " + visible(e.Error)
		}
		if e.Inexact != "" {
			because += "; " + visible(e.Inexact)
		}
		took := time.Duration(e.Milliseconds * float64(time.Millisecond)).Round(10 * time.Microsecond)
		fmt.Fprintf(table, "%d\t%s\t%s\t%.12s\t%.12s\t%d\t%s\t%s\n", e.Number, e.Time.Format(time.RFC3339), e.Result, e.Ruleset, e.Facts, e.Operations, took, because)
	}
	return table.Flush()
}

func exportCommand() *cobra.Command {
	var flags configFlags
	command := &cobra.Command{
		Use:   "export N DIR",
		Short: "write all that a change follows from into a new directory",
		Long: `Export makes DIR with the facts, the configuration and the modules that the change with the
number N was decided from. On any machine with the same snatd, the same ruleset follows from
it, byte for byte:

  cd DIR && snatd plan --config config.yaml -o nft

Modules whose files have been replaced since are there if history.directory is set.`,
		Example: "  snatd history export 12 change-12",
		Args:    cobra.ExactArgs(2),
	}
	flags.addDaemon(command)
	command.RunE = func(command *cobra.Command, arguments []string) error {
		number, err := strconv.ParseUint(arguments[0], 10, 64)
		if err != nil {
			return fmt.Errorf("change %.100q, accepted: a number, as snatd history has it", arguments[0])
		}
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		archive, err := api.NewClient(cfg.Socket).Bundle(command.Context(), number)
		if err != nil {
			return err
		}
		return history.Extract(bytes.NewReader(archive), arguments[1])
	}
	return command
}

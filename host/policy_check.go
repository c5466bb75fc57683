package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author"
)

func policyCheckCommand() *cobra.Command {
	var flags moduleFlags
	command := &cobra.Command{
		Use:   "check FILE.wasm",
		Short: "tell whether the daemon would take a module, and what to change",
		Long: `Check tries a module as the daemon does before it takes one. Exit code 0: all is ok.

  size      how large it is, and whether a ConfigMap can hold it
  sha256    the hash to put into the sidecar, or to compare with the one there
  abi       its imports, exports and memory; it is compiled
  metadata  what its author says of it by snatd policy annotate, which has to be true: it
            reads no fact that it does not declare, if it declares any. The daemon takes
            it all the same
  validate  it starts, and accepts the settings of the sidecar
  decide    it decides for every subject of the facts
  facts     it asks for facts that there are; else a warning, for a key may be mistyped
  pure      it decides the same when it is asked again in another order

Without --facts it is tried on a small example of a node.
` + factsHelp,
		Example: "  snatd policy check 20-partners.wasm",
	}
	flags.add(command)
	output := addOutput(command, "text", "json")
	keepOnly(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		options, err := flags.value(command)
		if err != nil {
			return err
		}
		report, err := author.Check(command.Context(), options)
		if err != nil {
			return err
		}
		out := command.OutOrStdout()
		if output.value == "json" {
			err = writeJSON(out, report)
		} else {
			err = printCheck(out, report)
		}
		if err == nil && !report.OK {
			err = exitCode(1)
		}
		return err
	}
	return command
}

func printCheck(out io.Writer, report author.CheckReport) error {
	var text strings.Builder
	for _, c := range report.Checks {
		line := fmt.Sprintf("%-7s  %-8s  %s", c.State, c.Check, c.Detail)
		fmt.Fprintln(&text, strings.TrimRight(line, " "))
		if c.Change != "" {
			fmt.Fprintf(&text, "%19sto change: %s\n", "", c.Change)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

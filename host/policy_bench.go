package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author"
)

func policyBenchCommand() *cobra.Command {
	var flags moduleFlags
	var duration time.Duration
	command := &cobra.Command{
		Use:   "bench FILE.wasm",
		Short: "measure what a module costs on this machine",
		Long: fmt.Sprintf(`Bench measures how long a module takes to compile and to start, a pass over all
subjects of the facts with nothing and with everything remembered, and how often it is
decided in a second for each kind of subjects: those that answer alike to everything
that the module reads, so that one evaluation does for all of them. The %d largest kinds
are shown.

Without --facts it is measured on a small example of a node.
`, author.MostKinds) + factsHelp + `

With -o json, times are in milliseconds.`,
		Example: "  snatd policy bench 20-partners.wasm --facts node-a.yaml",
	}
	flags.add(command)
	command.Flags().DurationVar(&duration, "duration", 2*time.Second, "how long to measure evaluations")
	output := addOutput(command, "text", "json")
	keepOnly(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		options, err := flags.value(command)
		if err != nil {
			return err
		}
		report, err := author.Bench(command.Context(), options, duration)
		if err != nil {
			return err
		}
		if output.value == "json" {
			return writeJSON(command.OutOrStdout(), report)
		}
		return printBench(command.OutOrStdout(), report)
	}
	return command
}

func printBench(out io.Writer, r author.BenchReport) error {
	text := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(text, "compile\t%s by the %s\n", r.Compile, r.Mode)
	fmt.Fprintf(text, "start\t%s for a fresh instance and its validate\n", r.Start)
	fmt.Fprintf(text, "cold pass\t%s for %d subjects, %d evaluations\n", r.ColdPass, r.Subjects, r.Evaluations)
	fmt.Fprintf(text, "memoised pass\t%s, no evaluation\n", r.MemoisedPass)
	if err := text.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(text, "\nKIND OF\tSUBJECTS\tREADS\tENTRIES\tCOLD\tMEMOISED\n")
	for _, k := range r.Kinds {
		fmt.Fprintf(text, "%s\t%d\t%d\t%d\t%.0f/s\t%.0f/s\n", k.Subject, k.Subjects, k.Reads, k.Entries, k.Cold, k.Memoised)
	}
	return text.Flush()
}

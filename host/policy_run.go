package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author"
)

func policyRunCommand() *cobra.Command {
	var flags moduleFlags
	var subject string
	command := &cobra.Command{
		Use:   "run FILE.wasm",
		Short: "let a module decide on the facts of a file, and print its decisions",
		Long: `Run lets a module decide, alone, for every subject of the facts: "node", for pods that
are not known, and each pod that has an address of its own. It prints what the module
gave, in its order, and the facts it read. What it logs goes to stderr. snatd facts
prints a node's facts as such a file.

Without --facts it decides on a small example of a node, and the output says so.
` + factsHelp + `

Exit code 0: it decided for every subject, or had no opinion.

With -o json:

  module, sha256  which module it is
  example         true if the facts are the example's, else absent
  subjects        a list, the node first, then the pods by name:
    subject       "node", or "NAMESPACE/NAME"
    address       of the pod
    entries       a list, empty if the module has no opinion:
      prefix      such as "10.0.0.0/16"
      action      "exclude" or "translate"
      source      the address that translate puts in place of the pod's
      reason      the module's
    reads         a list:
      key         of the fact, or the prefix of the keys that were listed
      value       each item of a list is ended by a NUL
      found       false if there is no such fact
      listing     true if keys were listed
    error         why there is no decision; absent if there is one
    mistyped      a list of warnings about keys that no fact has; absent if there are none`,
		Example: `  snatd policy run 20-partners.wasm --facts node-a.yaml
  snatd policy run 20-partners.wasm --facts node-a.yaml --subject default/web-1 -o json`,
	}
	flags.log = true
	flags.add(command)
	command.Flags().StringVar(&subject, "subject", "", "only this subject: `NAME` is node, or a pod as NAMESPACE/NAME")
	output := addOutput(command, "text", "json")
	keepOnly(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		options, err := flags.value(command)
		if err != nil {
			return err
		}
		report, err := author.Run(command.Context(), options, subject)
		if err != nil {
			return err
		}
		out := command.OutOrStdout()
		if output.value == "json" {
			err = writeJSON(out, report)
		} else {
			err = printDecisions(out, report)
		}
		if err == nil && report.Failed() > 0 {
			err = exitCode(1)
		}
		return err
	}
	return command
}

func printDecisions(out io.Writer, report author.RunReport) error {
	text := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if report.Example {
		fmt.Fprintf(text, "without --facts, on the example of a node:\n\n")
	}
	for i, d := range report.Subjects {
		if i > 0 {
			fmt.Fprintln(text)
		}
		name := d.Subject
		if d.Address.IsValid() {
			name += ", " + d.Address.String()
		}
		fmt.Fprintln(text, name)
		switch {
		case d.Error != "":
			fmt.Fprintf(text, "  failed\t%s\n", d.Error)
		case len(d.Entries) == 0:
			fmt.Fprintf(text, "  no opinion\n")
		}
		for _, e := range d.Entries {
			towards := e.Prefix.String()
			if e.Source.IsValid() {
				towards += " to " + e.Source.String()
			}
			fmt.Fprintf(text, "  %s\t%s\t%s\n", e.Action, towards, visible(e.Reason))
		}
		for i, read := range d.Reads {
			label := "facts read"
			if i > 0 {
				label = ""
			}
			fmt.Fprintf(text, "  %s\t%s\n", label, visible(strings.TrimSpace(read.String())))
		}
		for _, mistyped := range d.Mistyped {
			fmt.Fprintf(text, "  warning\t%s\n", visible(mistyped))
		}
	}
	return text.Flush()
}

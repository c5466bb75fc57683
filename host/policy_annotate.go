package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk/abi"
)

func policyAnnotateCommand() *cobra.Command {
	var m policy.Metadata
	var to string
	command := &cobra.Command{
		Use:   "annotate FILE.wasm",
		Short: "write into a module what it is called and which facts it may read",
		Long: `Annotate writes into a module what its author says of it: name, version, author, the
least ABI that a host must have, and which facts it may read. It is a custom section of
WebAssembly, ` + abi.MetadataSection + `, that holds JSON; nobody runs a module to read it.
What is not given stays as the module has it. The module's sha256 changes.

snatd policy check prints it, and holds the facts against those that the module reads.
snatd status and snatd explain tell the name and the version. The daemon does nothing
else with it: what a module may do, the sidecar says.

A fact is a key, in which * stands for anything: config.*, pod.label.example.com/egress.

With -o json: module, the path of the file; sha256; metadata with name, version, author,
abi, facts.`,
		Example: `  snatd policy annotate 20-partners.wasm --name partners --version 1.2.0 --fact 'config.*'`,
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%d arguments, accepted: one module, FILE.wasm", len(arguments))
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&m.Name, "name", "", "what the policy is called: `NAME`")
	flags.StringVar(&m.Version, "version", "", "its `VERSION`, such as 1.2.0")
	flags.StringVar(&m.Author, "author", "", "who answers for it: `TEXT`")
	flags.StringVar(&m.ABI, "abi", "", "the least `ABI` that a host must have (default "+abi.Module+")")
	flags.StringArrayVar(&m.Facts, "fact", nil, "a fact that it may read: `KEY`, may be repeated")
	flags.StringVar(&to, "to", "", "write a copy to `FILE.wasm`, and leave the module as it is")
	output := addOutput(command, "text", "json")
	command.RunE = func(command *cobra.Command, arguments []string) error {
		if m.Name+m.Version+m.Author+m.ABI == "" && m.Facts == nil {
			return errors.New("nothing to write, accepted: at least one of --name, --version, --author, --abi, --fact; snatd policy check prints what a module has")
		}
		report, err := author.Annotate(arguments[0], to, m)
		if err != nil {
			return err
		}
		out := command.OutOrStdout()
		if output.value == "json" {
			return writeJSON(out, report)
		}
		_, err = fmt.Fprintf(out, "%s: %s, sha256 %s\n", report.Module, report.Metadata, report.SHA256)
		return err
	}
	return command
}

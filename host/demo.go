package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/demo"
	"github.com/snatd/snatd/host/lab"
)

func demoCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "demo",
		Short: "show a VPC in network namespaces on this machine, with real packets",
		Long: `Demo builds a node with two interfaces, pods, a VPC, a peered VPC and an internet
host in network namespaces, runs the daemon on the node, and shows which source
address each peer sees, and why. It works as root and as a plain user, where user
namespaces are allowed, and leaves nothing behind.`,
		Example: "  snatd demo",
		Args:    cobra.NoArgs,
	}
	output := addOutput(command, "text", "json")
	command.RunE = func(command *cobra.Command, _ []string) error {
		var failed error
		code, err := lab.Enter(func() int {
			if failed = runDemo(command, output.value == "json"); failed != nil {
				return 1
			}
			return 0
		})
		switch {
		case err != nil:
			return err
		case failed != nil:
			return failed
		case code != 0:
			return exitCode(code) // the process inside has said why
		}
		return nil
	}
	return command
}

func runDemo(command *cobra.Command, json bool) error {
	kernel, err := features()
	if err != nil {
		return err
	}
	return demo.Run(command.Context(), demo.Options{JSON: json, Out: command.OutOrStdout(), Kernel: kernel})
}

// features is what the kernel has, in the namespace of this process.
func features() (dataplane.Features, error) {
	kernel, err := dataplane.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		return dataplane.Features{}, err
	}
	return kernel.Features(), kernel.Close()
}

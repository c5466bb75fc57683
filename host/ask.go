package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
)

// askCommand completes a command that asks the daemon and prints its answer, as
// text for people or as JSON.
func askCommand[T any](command *cobra.Command, question func(context.Context, *api.Client) (T, error),
	print func(io.Writer, T) error) *cobra.Command {
	var flags configFlags
	flags.addDaemon(command)
	output := addOutput(command, "text", "json")
	command.Args = cobra.NoArgs
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		answer, err := question(command.Context(), api.NewClient(cfg.Socket))
		if err != nil {
			return err
		}
		if output.value == "json" {
			return writeJSON(command.OutOrStdout(), answer)
		}
		return print(command.OutOrStdout(), answer)
	}
	return command
}

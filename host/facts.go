package main

import (
	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
)

func factsCommand() *cobra.Command {
	var flags configFlags
	var at uint64
	command := &cobra.Command{
		Use:   "facts",
		Short: "ask the daemon which facts are in force, in the format of the static facts file",
		Long: `Facts prints what the daemon knows about its node, its VPC and its pods. Put into a
file, it can be replayed anywhere: snatd plan --facts FILE. With --at it is what the daemon
knew when it made a change that snatd history lists.`,
		Example: `  snatd facts > node-a.yaml
  snatd facts --at 12`,
		Args: cobra.NoArgs,
	}
	flags.addDaemon(command)
	command.Flags().Uint64Var(&at, "at", 0, "the facts at the change with the number `N`")
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		daemon := api.NewClient(cfg.Socket)
		var text []byte
		if command.Flags().Changed("at") {
			text, err = daemon.FactsAt(command.Context(), at)
		} else {
			text, err = daemon.Facts(command.Context())
		}
		if err != nil {
			return err
		}
		_, err = command.OutOrStdout().Write(text)
		return err
	}
	return command
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
)

func factsCommand() *cobra.Command {
	var flags configFlags
	command := &cobra.Command{
		Use:   "facts",
		Short: "ask the daemon which facts are in force, in the format of the static facts file",
		Long: `Facts prints what the daemon knows about its node, its VPC and its pods. Put into a
file, it can be replayed anywhere: snatd plan --facts FILE.`,
		Example: "  snatd facts > node-a.yaml",
		Args:    cobra.NoArgs,
	}
	flags.addDaemon(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		text, err := api.NewClient(cfg.Socket).Facts(command.Context())
		if err != nil {
			return err
		}
		_, err = command.OutOrStdout().Write(text)
		return err
	}
	return command
}

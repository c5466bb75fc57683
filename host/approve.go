package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
)

func approveCommand() *cobra.Command {
	var flags configFlags
	command := &cobra.Command{
		Use:   "approve [DIGEST]",
		Short: "let the change through that the daemon holds",
		Long: `Approve puts the ruleset in force that is held because it is beyond guard.maxChange, and
nothing else: if what is held is another one by now, it is an error that says which. DIGEST is
at least the first 12 digits, as snatd status has them; without it, it is what is held when
this is asked.

Snatd plan shows in full what is held. Raising guard.maxChange in the configuration has the same effect on every node that reads it.`,
		Example: `  snatd approve 0123456789ab`,
		Args:    cobra.MaximumNArgs(1),
	}
	flags.addDaemon(command)
	command.RunE = func(command *cobra.Command, arguments []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		daemon := api.NewClient(cfg.Socket)
		digest := ""
		if len(arguments) > 0 {
			digest = arguments[0]
		} else {
			status, err := daemon.Status(command.Context())
			switch {
			case err != nil:
				return err
			case status.Held == nil:
				return errors.New("nothing is held")
			}
			digest = status.Held.Ruleset
		}
		held, err := daemon.Approve(command.Context(), digest)
		if err == nil {
			_, err = fmt.Fprintln(command.OutOrStdout(), "in force:", visible(held.String()))
		}
		return err
	}
	return command
}

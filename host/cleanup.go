package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/link"
)

func cleanupCommand() *cobra.Command {
	var flags configFlags
	command := &cobra.Command{
		Use:   "cleanup",
		Short: "remove what snatd put into the kernel, without breaking translated connections",
		Long: `Cleanup removes the nftables table and the routing rule of a daemon that has been
stopped. While translated connections live, what they need stays in place and
translates nothing new; run cleanup again when they have ended.`,
		Example: "  snatd cleanup --config /etc/snatd/config.yaml",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			cfg, err := flags.load()
			if err != nil {
				return err
			}
			if _, err := api.NewClient(cfg.Socket).Status(command.Context()); err == nil {
				return fmt.Errorf("the snatd at %s is running and would put everything back: stop it first", cfg.Socket)
			}
			removed, err := engine.Cleanup(slog.New(slog.NewTextHandler(os.Stderr, nil)), engine.NetworkOf(cfg, link.Link{}))
			if err != nil {
				return err
			}
			out := command.OutOrStdout()
			switch {
			case removed.Left != nil:
				_, err = fmt.Fprintf(out, "nothing new is translated; %d live translated connections keep what they need: run this again when they have ended\n", removed.Live)
			case removed.Changed:
				_, err = fmt.Fprintln(out, "removed")
			default:
				_, err = fmt.Fprintln(out, "nothing to remove")
			}
			return err
		},
	}
	flags.add(command)
	return command
}

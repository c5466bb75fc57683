package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/rules"
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
				// What is in the kernel must be removable whatever the file says.
				fmt.Fprintf(command.ErrOrStderr(), "snatd: %v; going on with the defaults\n", err)
				cfg = config.Default()
				cfg.SNAT.Mark = 0 // others use the default too: go by the routing rules
			}
			return cleanup(command.OutOrStdout(), engine.NetworkOf(cfg, link.Link{}))
		},
	}
	flags.add(command)
	return command
}

func cleanup(out io.Writer, network rules.Network) error {
	removed, err := engine.Cleanup(slog.New(slog.NewTextHandler(os.Stderr, nil)), network)
	if err != nil {
		return err
	}
	switch {
	case removed.Live > 0:
		_, err = fmt.Fprintf(out, "nothing new is translated; %d live translated connections keep what they need: run this again when they have ended\n", removed.Live)
	case removed.Changed:
		_, err = fmt.Fprintln(out, "removed")
	default:
		_, err = fmt.Fprintln(out, "nothing to remove")
	}
	return err
}

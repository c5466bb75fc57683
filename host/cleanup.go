package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/host/neighbour"
)

func cleanupCommand() *cobra.Command {
	var flags configFlags
	var wait, force bool
	command := &cobra.Command{
		Use:   "cleanup",
		Short: "remove what snatd put into the kernel, without breaking connections",
		Long: `Cleanup removes the nftables table and the routing rule of a daemon that has been
stopped. While connections live that are translated, or came to a node port, what they
need stays in place and translates nothing new; run cleanup again when they have ended,
or have it wait for that with --wait.

Beside the AWS VPC CNI plugin that would never be: its connections bear the same mark. Once
the plugin translates again it does for connections of either all that snatd does, and
--force removes everything, and needs no configuration. Where the plugin does not translate
that breaks connections, and standard error says so.`,
		Example: "  snatd cleanup --wait --config /etc/snatd/config.yaml",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if force {
				return cleanup(command.Context(), command.OutOrStdout(), byForce(command.ErrOrStderr()), false)
			}
			cfg, err := flags.load()
			if err != nil {
				// What is in the kernel must be removable whatever the file says.
				fmt.Fprintf(command.ErrOrStderr(), "snatd: %v; going on with the defaults\n", err)
				cfg = config.Default()
				cfg.SNAT.Mark = 0 // others use the default too: go by the routing rules
			}
			clean := func(c *engine.Cleaner) (engine.Removed, error) { return c.Clean(engine.NetworkOf(cfg, link.Link{})) }
			return cleanup(command.Context(), command.OutOrStdout(), clean, wait)
		},
	}
	command.Flags().BoolVar(&wait, "wait", false, "wait until all connections that need something have ended, and remove everything")
	command.Flags().BoolVar(&force, "force", false, "remove everything at once, also what live connections need")
	command.MarkFlagsMutuallyExclusive("wait", "force")
	flags.add(command)
	return command
}

// waitPause is how often cleanup looks whether connections have ended.
const waitPause = time.Second

// cleaning is one of the ways to clean up.
type cleaning func(*engine.Cleaner) (engine.Removed, error)

func cleanup(ctx context.Context, out io.Writer, clean cleaning, wait bool) (err error) {
	cleaner, err := engine.OpenCleaner(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleaner.Close()) }()
	removed, err := clean(cleaner)
	if err == nil && wait && removed.Live > 0 {
		fmt.Fprintf(out, "nothing new is translated; waiting for %d live connections to end\n", removed.Live)
		removed, err = cleanLater(ctx, cleaner, clean)
	}
	if err != nil {
		return err
	}
	switch {
	case removed.Live > 0:
		_, err = fmt.Fprintf(out, "nothing new is translated; %d live connections keep what they need: run this again when they have ended\n", removed.Live)
	case removed.Changed:
		_, err = fmt.Fprintln(out, "removed")
	default:
		_, err = fmt.Fprintln(out, "nothing to remove")
	}
	return err
}

// byForce removes everything, and warns if that breaks connections.
func byForce(warnings io.Writer) cleaning {
	return func(cleaner *engine.Cleaner) (engine.Removed, error) {
		translates, unseen := neighbour.LookAWS()
		removed, err := cleaner.RemoveAll()
		if err != nil || !removed.Changed || translates {
			return removed, err
		}
		const consequence = "live connections that needed what is removed break"
		if unseen != nil {
			fmt.Fprintf(warnings, "snatd: unless the AWS VPC CNI plugin translates here, which cannot be seen, %s: %v\n", consequence, unseen)
		} else {
			fmt.Fprintf(warnings, "snatd: the AWS VPC CNI plugin does not translate here: %s\n", consequence)
		}
		return removed, nil
	}
}

// cleanLater cleans up when no connection needs what is left any more.
func cleanLater(ctx context.Context, cleaner *engine.Cleaner, clean cleaning) (engine.Removed, error) {
	tick := time.NewTicker(waitPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return engine.Removed{}, fmt.Errorf("interrupted; what live connections need is left: %w", ctx.Err())
		case <-tick.C:
		}
		if removed, err := clean(cleaner); err != nil || removed.Live == 0 {
			return removed, err
		}
	}
}

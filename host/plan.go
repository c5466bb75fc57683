package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

func planCommand() *cobra.Command {
	var flags configFlags
	command := &cobra.Command{
		Use:   "plan",
		Short: "show what would be in the kernel, and what would change; touches nothing",
		Long: `Plan reads the same files as the daemon, and asks the same services, lets the same modules decide, and prints
what the daemon would bring into the kernel:

  nft    the whole table, as nft -f accepts it
  json   the ruleset as data
  diff   the commands that would turn what the running daemon has installed
         into it; without a daemon, those that install it anew`,
		Example: "  snatd plan --config /etc/snatd/config.yaml -o diff",
		Args:    cobra.NoArgs,
	}
	flags.add(command)
	output := addOutput(command, "nft", "json", "diff")
	command.RunE = func(command *cobra.Command, _ []string) error {
		return plan(command.Context(), flags, output.value, command.OutOrStdout())
	}
	return command
}

func plan(ctx context.Context, flags configFlags, output string, out io.Writer) error {
	ruleset, socket, err := wanted(ctx, flags)
	if err != nil {
		return err
	}
	switch output {
	case "json":
		return writeJSON(out, ruleset)
	case "diff":
		return printDiff(ctx, api.NewClient(socket), ruleset, out)
	}
	if ruleset == nil {
		_, err = fmt.Fprintln(out, "# the cluster's addresses are IPv6: nothing is installed")
		return err
	}
	_, err = fmt.Fprint(out, ruleset.Table())
	return err
}

// wanted runs the pipeline up to the ruleset.
func wanted(ctx context.Context, flags configFlags) (ruleset *rules.Ruleset, socket string, err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	in, problems, err := engine.NewReader(flags.load, log).Once(ctx)
	if err != nil {
		if len(problems) > 0 {
			err = problemsError(problems)
		}
		return nil, "", err
	}
	options := engine.PolicyOptions(in.Config, outside, log)
	// The daemon's cache belongs to root and to the daemon; a plan leaves it
	// alone.
	options.CacheDir = ""
	wasm, err := policy.NewEngine(ctx, options)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, wasm.Close(context.WithoutCancel(ctx))) }()
	modules := engine.NewModules(ctx, wasm, log)
	defer modules.Close()
	result, failed, err := engine.Decide(ctx, in, modules)
	for _, p := range append(problems, failed...) {
		fmt.Fprintln(os.Stderr, "snatd:", p)
	}
	if err != nil {
		return nil, "", err
	}
	return result.Ruleset, in.Config.Socket, nil
}

// problemsError is a list of problems as one error, each on a line.
func problemsError(problems []engine.Problem) error {
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = errors.New(p.String())
	}
	return errors.Join(errs...)
}

func printDiff(ctx context.Context, daemon *api.Client, ruleset *rules.Ruleset, out io.Writer) error {
	installed, err := daemon.Ruleset(ctx)
	if err != nil {
		fmt.Fprintln(out, "# "+err.Error())
		fmt.Fprintln(out, "# without it, everything is installed anew:")
	}
	plan := rules.Diff(installed, ruleset)
	if len(plan.Ops) == 0 {
		_, err = fmt.Fprintln(out, "# nothing would change")
		return err
	}
	_, err = fmt.Fprint(out, plan.Ops)
	return err
}

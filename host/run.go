package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/metrics"
	"github.com/snatd/snatd/host/neighbour"
)

func runCommand() *cobra.Command {
	var flags configFlags
	var level, format string
	command := &cobra.Command{
		Use:     "run",
		Short:   "run the daemon; stopping it leaves the rules in place",
		Example: "  snatd run --config /etc/snatd/config.yaml",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			log, err := newLogger(level, format)
			if err != nil {
				return err
			}
			return run(command, &flags, log)
		},
	}
	flags.add(command)
	command.Flags().StringVar(&level, "log-level", "info", "`LEVEL` of the log: debug, info, warn, error")
	command.Flags().StringVar(&format, "log-format", "text", "`FORMAT` of the log: text, json")
	return command
}

func run(command *cobra.Command, flags *configFlags, log *slog.Logger) error {
	cfg, err := flags.load()
	if err != nil {
		return err
	}
	var daemon *engine.Engine // before anybody asks for its state
	observer := metrics.New(func() metrics.State { return metricsState(daemon, log) })
	daemon, err = engine.New(engine.Options{
		Config: cfg, Load: flags.load, ConfigFile: flags.path(), Log: log, Compiler: outside,
		PodChanged: observer.ObservePodChange, Applied: observer.ObserveApply,
	})
	if err != nil {
		return err
	}
	listener, err := api.Listen(cfg.Socket)
	if err != nil {
		return errors.Join(err, daemon.Close())
	}
	var scrapes net.Listener
	if cfg.Metrics.Listen != "" {
		if scrapes, err = metrics.Listen(cfg.Metrics.Listen); err != nil {
			return errors.Join(err, listener.Close(), daemon.Close())
		}
	}
	log.Info("snatd starts", "version", version(), "config", flags.path())
	group, ctx := errgroup.WithContext(command.Context())
	group.Go(func() error { return daemon.Run(ctx) })
	group.Go(func() error { return api.Serve(ctx, listener, version(), daemon) })
	if scrapes != nil {
		group.Go(func() error { return observer.Serve(ctx, scrapes) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	log.Info("snatd stops; the rules stay in place, snatd cleanup removes them")
	return nil
}

// metricsState is what metrics tell of the engine's state.
func metricsState(daemon *engine.Engine, log *slog.Logger) metrics.State {
	s := daemon.State()
	state := metrics.State{
		Version: version(), Ready: s.Waiting == "", Waiting: s.Waiting,
		Problems: len(s.Problems), Changes: s.Changes, Sources: s.Sources(),
	}
	decided, err := daemon.Decided()
	if err != nil {
		log.Warn("connections are not counted", "error", err)
	}
	for by, count := range decided {
		state.Connections = append(state.Connections, metrics.Connections{Module: by.Module, Action: string(by.Action), Count: count.Packets})
	}
	state.Repairs, state.Draining, state.Ended = s.Repairs, s.Draining, s.Ended
	state.Neighbours = map[string]int{}
	for _, kind := range neighbour.Kinds() {
		state.Neighbours[string(kind)] = 0
	}
	for _, n := range s.Neighbours() {
		state.Neighbours[string(n.Kind)]++
	}
	if s.Result != nil {
		state.Subjects = len(s.Result.Decided)
	}
	for _, m := range s.Modules {
		module := metrics.Module{Name: m.Name, State: m.State}
		if m.Shadow != nil {
			module.Shadow = &metrics.Shadow{Subjects: m.Shadow.Subjects, Share: m.Shadow.Largest().Share}
		}
		state.Modules = append(state.Modules, module)
	}
	if s.Ruleset != nil {
		state.Pods, state.Classes = len(s.Ruleset.Pods), len(s.Ruleset.Classes)
	}
	return state
}

func newLogger(level, format string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var at slog.Level
	if err := at.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: accepted: debug, info, warn, error", level)
	}
	options.Level = at
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, &options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, &options)), nil
	}
	return nil, fmt.Errorf("--log-format %q: accepted: text, json", format)
}

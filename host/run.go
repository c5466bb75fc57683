package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/health"
	"github.com/snatd/snatd/host/metrics"
	"github.com/snatd/snatd/host/page"
	"github.com/snatd/snatd/host/privilege"
	"github.com/snatd/snatd/host/screen"
	"github.com/snatd/snatd/host/systemd"
)

func runCommand() *cobra.Command {
	var flags configFlags
	var format string
	command := &cobra.Command{
		Use:     "run",
		Short:   "run the daemon; stopping it leaves the rules in place",
		Long:    "Run is the daemon. It watches its files; SIGHUP has it read them all again. Stopping it leaves\nthe rules in place. systemd is told when it has started and how it is, if it asks. It ends at the\nstart if its configuration is bad; what is wrong later, and a port of metrics that is taken, is told\nby snatd status.",
		Example: "  snatd run --config /etc/snatd/config.yaml",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			var level slog.LevelVar
			log, err := newLogger(&level, format)
			if err != nil {
				return err
			}
			return run(command, &flags, &level, log)
		},
	}
	flags.add(command)
	command.Flags().StringVar(&flags.overrides.LogLevel, "log-level", "", "`LEVEL` of the log: debug, info, warn, error (default that of the configuration)")
	command.Flags().StringVar(&format, "log-format", "text", "`FORMAT` of the log: text, json")
	complete(command, "log-level", cobra.FixedCompletions([]cobra.Completion{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp))
	complete(command, "log-format", cobra.FixedCompletions([]cobra.Completion{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return command
}

func run(command *cobra.Command, flags *configFlags, level *slog.LevelVar, log *slog.Logger) error {
	load := func() (config.Config, error) {
		cfg, err := flags.load()
		if err == nil {
			err = level.UnmarshalText([]byte(cfg.Log.Level))
		}
		return cfg, err
	}
	// Files that cannot be read later cannot be read now either: nothing below is
	// exempt from their permissions. Listening is what needs more than the rest.
	if err := privilege.Keep(privilege.NetAdmin, privilege.Chown, privilege.NetBindService); err != nil {
		return err
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	var daemon *engine.Engine // before anybody asks for its state
	var held elements
	observer := metrics.New(
		func() metrics.State { return metricsState(daemon, &held, log) },
		func() health.Health { return daemon.Health() })
	port := metrics.NewPort(cfg.Metrics.Listen)
	daemon, err = engine.New(engine.Options{
		Config: cfg, Load: load, ConfigFile: flags.path(), Log: log, Compiler: outside, ListenMetrics: port.Listen,
		PodChanged: observer.ObservePodChange, Applied: observer.ObserveApply, Compiled: observer.ObserveCompile,
	})
	if err != nil {
		return err
	}
	listener, err := api.Listen(cfg.Socket, cfg.SocketGroup)
	if err != nil {
		return errors.Join(err, daemon.Close())
	}
	// With the right to any port. What is wrong the daemon finds again, and tells.
	_ = port.Listen()
	if local := isLoopback(cfg.Metrics.Listen); cfg.Metrics.Page || local {
		observer.ServePage(page.New(version(), daemon, local))
	}
	if err := privilege.Keep(privilege.NetAdmin); err != nil {
		return errors.Join(err, listener.Close(), daemon.Close())
	}
	log.Info("snatd starts", "version", version(), "config", flags.path())
	group, ctx := errgroup.WithContext(command.Context())
	group.Go(func() error { return daemon.Run(ctx) })
	group.Go(func() error { return api.Serve(ctx, listener, version(), daemon) })
	group.Go(func() error { return observer.Serve(ctx, port) })
	group.Go(func() error {
		systemd.Serve(ctx, managed(daemon), log)
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	log.Info("snatd stops; the rules stay in place, snatd cleanup removes them")
	return nil
}

// managed is the daemon as a service manager is told of it.
func managed(d *engine.Engine) systemd.Daemon {
	return systemd.Daemon{Health: d.Health, Reload: d.Reload, Sentence: func() string {
		s := d.State()
		why := api.Why(s, d.Health(), time.Now())
		return screen.Verdict(why, len(s.Neighbours()), s.Ruleset != nil).Text
	}}
}

// isLoopback says whether only this machine reaches an address and port.
func isLoopback(listen string) bool {
	at, err := netip.ParseAddrPort(listen)
	return err == nil && at.Addr().IsLoopback()
}

// newLogger writes what has the level that is set at the moment.
func newLogger(level *slog.LevelVar, format string) (*slog.Logger, error) {
	options := slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, &options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, &options)), nil
	}
	return nil, fmt.Errorf("--log-format %q: accepted: text, json", format)
}

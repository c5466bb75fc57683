package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/screen"
)

// unhealthy is the exit code of a status that is not healthy.
const unhealthy = 2

func statusCommand() *cobra.Command {
	var flags configFlags
	var watch bool
	command := &cobra.Command{
		Use:   "status",
		Short: "ask the daemon how it is",
		Long: `Status says on one screen how the daemon is. The first line says whether it is healthy,
and if not why: its loop goes on, the kernel holds what the last good facts and modules
demand, and there are no problems. Warnings are about other programs on the node.

Colours are for terminals only, and not where NO_COLOR is set.

Exit code 0: healthy, maybe with warnings. 2: not healthy. 1: an error, such as that no
daemon answers. With --watch it is 0 once it is interrupted.

With -o json, what the API says at /v1/status: host/api/README.md lists the fields, to
which more may be added. With --watch, one such object after the other.`,
		Example: `  snatd status
  snatd status --watch
  snatd status -o json`,
		Args: cobra.NoArgs,
	}
	flags.addDaemon(command)
	command.Flags().BoolVarP(&watch, "watch", "w", false, "ask every second until it is interrupted, also while the daemon is away")
	output := addOutput(command, "text", "json")
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := flags.load()
		if err != nil {
			return err
		}
		daemon, out := api.NewClient(cfg.Socket), command.OutOrStdout()
		switch {
		case watch && output.value == "json":
			return watchJSON(command.Context(), daemon, out)
		case watch:
			return watchStatus(command.Context(), daemon, out)
		}
		status, err := daemon.Status(command.Context())
		if err != nil {
			return err
		}
		if output.value == "json" {
			err = writeJSON(out, status)
		} else {
			_, err = io.WriteString(out, draw(screen.Of(status, time.Now()), terminalOf(out).coloured()))
		}
		if err == nil && !status.Healthy {
			return exitCode(unhealthy)
		}
		return err
	}
	return command
}

// Escape sequences of the levels.
var colours = map[screen.Level]string{
	screen.Good: "\x1b[32m",
	screen.Warn: "\x1b[33m",
	screen.Bad:  "\x1b[1;31m",
}

// titleWidth is that of the longest title, and a gap.
const titleWidth = len("connections") + 2

// draw is a screen as text.
func draw(s screen.Screen, coloured bool) string {
	var text strings.Builder
	write := func(line screen.Line) {
		if colour := colours[line.Level]; coloured && colour != "" {
			fmt.Fprintf(&text, "%s%s\x1b[0m\n", colour, visible(line.Text))
		} else {
			text.WriteString(visible(line.Text) + "\n")
		}
	}
	write(s.Verdict)
	for _, section := range s.Sections {
		for i, line := range section.Lines {
			fmt.Fprintf(&text, "%-*s", titleWidth, label(i, section.Title))
			write(line)
		}
	}
	return text.String()
}

// watchPause is how often the status is asked for.
const watchPause = time.Second

// every calls once at a time, beginning now, until ctx ends or it fails.
func every(ctx context.Context, pause time.Duration, call func() error) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if err := call(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watchJSON tells of a daemon that does not answer on standard error.
func watchJSON(ctx context.Context, daemon *api.Client, out io.Writer) error {
	return every(ctx, watchPause, func() error {
		status, err := daemon.Status(ctx)
		if err == nil {
			return writeJSON(out, status)
		}
		if ctx.Err() == nil { // else it was interrupted
			complain(err)
		}
		return nil
	})
}

// watchStatus draws on the whole terminal, which has what it had before when it ends. In a
// pipe each screen is ended by an empty line.
func watchStatus(ctx context.Context, daemon *api.Client, out io.Writer) (err error) {
	t := terminalOf(out)
	if t != nil {
		// Another screen, lines that are cut and not wrapped, and no cursor.
		if _, err := io.WriteString(out, "\x1b[?1049h\x1b[?7l\x1b[?25l"); err != nil {
			return err
		}
		defer func() { _, _ = io.WriteString(out, "\x1b[?25h\x1b[?7h\x1b[?1049l") }()
	}
	return every(ctx, watchPause, func() error {
		status, err := daemon.Status(ctx)
		now := screen.Silent(err)
		switch {
		case err == nil:
			now = screen.Of(status, time.Now())
		case errors.Is(err, context.Canceled):
			return nil
		}
		text := draw(now, t.coloured())
		if t == nil {
			text += "\n"
		} else {
			text = redraw(text, t.height())
		}
		_, err = io.WriteString(out, text)
		return err
	})
}

// redraw puts a text in place of what is drawn, as much of it as fits into the height.
func redraw(text string, height int) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if more := len(lines) - height; more > 0 {
		lines = append(lines[:height-1], fmt.Sprintf("and %d lines more", more+1))
	}
	// Each line ends what was there, and the last what was below.
	return "\x1b[H" + strings.Join(lines, "\x1b[K\r\n") + "\x1b[K\x1b[J"
}

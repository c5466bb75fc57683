// Package systemd tells the service manager how the daemon is, if there is one that asks:
// whether it has started, that it is alive, and in a sentence what it does. What is alive
// and what is ready package health judges.
package systemd

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/health"
)

// Daemon is who the service manager is told of.
type Daemon struct {
	Health func() health.Health
	// Sentence says how the daemon is, in one line.
	Sentence func() string
	// Reload returns when all files are read again and what follows is done, or ctx ends.
	Reload func(ctx context.Context)
}

const (
	// startsWithin is how long a start that goes well may be waited for. After it the daemon
	// counts as started, for it works and says what it lacks: a source of facts that is not
	// there must not keep a machine from booting.
	startsWithin = 20 * time.Second
	// How often it is looked for news: while others wait for the start, and after that.
	lookAtStart = 100 * time.Millisecond
	lookEvery   = 5 * time.Second
)

// Serve tells the service manager of a daemon until ctx ends, and reloads it at each SIGHUP,
// which works without a service manager too.
func Serve(ctx context.Context, d Daemon, log *slog.Logger) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, unix.SIGHUP)
	defer signal.Stop(hangups)
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not told that the daemon lives", "error", err)
	}
	s := session{daemon: d, managed: os.Getenv("NOTIFY_SOCKET") != "", watchdog: watchdog, notify: func(message string) {
		if _, err := daemon.SdNotify(false, message); err != nil {
			log.Warn("the service manager cannot be told how the daemon is", "error", err)
		}
	}}
	s.run(ctx, hangups)
}

// session is one life of the daemon, as the service manager sees it.
type session struct {
	daemon   Daemon
	managed  bool          // there is a service manager
	watchdog time.Duration // how soon it must be told that the daemon lives; zero if it need not
	notify   func(message string)

	began   time.Time
	started bool   // which was told
	told    string // the last sentence
}

func (s *session) run(ctx context.Context, hangups <-chan os.Signal) {
	s.began = time.Now()
	next := hangups                    // nil while one is followed: another one waits in the channel
	reloaded := make(chan struct{}, 1) // at the end nobody waits for it
	for {
		if s.managed {
			s.look()
		}
		select {
		case <-ctx.Done():
			s.notify(daemon.SdNotifyStopping + "\nSTATUS=stopping; the rules stay in place")
			return
		case <-s.pause():
		case <-next:
			next = nil
			if s.started {
				s.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
			}
			go func() {
				s.daemon.Reload(ctx)
				reloaded <- struct{}{}
			}()
		case <-reloaded:
			next = hangups
			if s.started {
				s.notify(daemon.SdNotifyReady)
			}
		}
	}
}

// look tells what is new, and that the daemon lives if it does.
func (s *session) look() {
	h, now := s.daemon.Health(), time.Now()
	if sentence := line(s.daemon.Sentence()); sentence != s.told {
		s.told = sentence
		s.notify("STATUS=" + sentence)
	}
	if h.Hangs(now) != "" {
		return
	}
	if !s.started && (h.Ready || now.Sub(s.began) >= startsWithin) {
		s.started = true
		s.notify(daemon.SdNotifyReady)
	}
	if s.watchdog > 0 {
		s.notify(daemon.SdNotifyWatchdog)
	}
}

// pause is until it is looked again: some times shorter than the watchdog waits, so that a
// machine without CPU time to spare is no reason to be killed.
func (s *session) pause() <-chan time.Time {
	switch {
	case !s.managed:
		return nil
	case !s.started:
		return time.After(lookAtStart)
	case s.watchdog > 0:
		return time.After(min(lookEvery, s.watchdog/4))
	}
	return time.After(lookEvery)
}

// longest is how many characters of a sentence are told: the service manager takes no
// message of more than 4,096 bytes.
const longest = 500

// line is a text as the service manager takes it: valid, short, and one line, since another
// line would be another message, and the text may be in the words of a module.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "..."
	}
	return text
}

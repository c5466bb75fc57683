package systemd

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/health"
)

// told is a session in a time of its own, with what it has told.
type told struct {
	session
	mu       sync.Mutex // of what follows
	health   health.Health
	sentence string
	hangups  chan os.Signal
	messages []string
}

// begin runs a session until the bubble's test ends.
func begin(t *testing.T, managed bool, reload func(context.Context)) *told {
	m := &told{health: health.Health{Progress: time.Now()}, sentence: "not healthy: waiting for facts", hangups: make(chan os.Signal, 1)}
	m.session = session{
		daemon: Daemon{
			Health:   func() (h health.Health) { m.do(func() { h = m.health }); return h },
			Sentence: func() (text string) { m.do(func() { text = m.sentence }); return text },
			Reload:   reload,
		},
		managed: managed, watchdog: 30 * time.Second,
		notify: func(message string) { m.do(func() { m.messages = append(m.messages, message) }) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	go m.run(ctx, m.hangups)
	t.Cleanup(func() {
		cancel()
		synctest.Wait()
	})
	synctest.Wait()
	return m
}

// do does something with the lock.
func (m *told) do(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// after lets time pass, in which the daemon's loop goes on if it is alive, and returns what
// was told since the last time.
func (m *told) after(pause time.Duration, alive bool) []string {
	synctest.Wait()
	for end := time.Now().Add(pause); time.Now().Before(end); synctest.Wait() {
		if alive {
			m.do(func() { m.health.Progress = time.Now() })
		}
		time.Sleep(time.Second)
	}
	var messages []string
	m.do(func() { messages, m.messages = m.messages, nil })
	return messages
}

func TestStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := begin(t, true, nil)
		if !slices.Contains(m.messages, "STATUS=not healthy: waiting for facts") {
			t.Errorf("told %q", m.messages)
		}
		if got := m.after(3*time.Second, true); slices.Contains(got, "READY=1") {
			t.Errorf("started without rules: %q", got)
		}
		m.do(func() { m.health.Ready, m.sentence = true, "healthy" })
		got := m.after(time.Second, true)
		if first := got[:min(2, len(got))]; !slices.Equal(first, []string{"STATUS=healthy", "READY=1"}) {
			t.Errorf("with rules in force: %q", got)
		}
		got = m.after(time.Minute, true)
		if len(got) < 12 || slices.ContainsFunc(got, func(s string) bool { return s != "WATCHDOG=1" }) {
			t.Errorf("in a minute in which nothing is new: %q", got)
		}
	})
}

// A start is over at last, whatever the daemon waits for.
func TestStartedWithoutRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := begin(t, true, nil)
		if got := m.after(19*time.Second, true); slices.Contains(got, "READY=1") {
			t.Errorf("too early: %q", got)
		}
		if got := m.after(2*time.Second, true); !slices.Contains(got, "READY=1") {
			t.Errorf("too late: %q", got)
		}
		if m.told != "not healthy: waiting for facts" {
			t.Errorf("the status is %q", m.told)
		}
	})
}

func TestHangsAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := begin(t, true, nil)
		m.do(func() { m.health.Progress = time.Now().Add(-time.Hour) })
		m.after(0, false)
		if got := m.after(time.Minute, false); len(got) > 0 {
			t.Errorf("told: %q", got)
		}
	})
}

func TestNoSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := begin(t, true, nil)
		m.do(func() { m.health.Ready = true })
		m.after(time.Minute, true)
		m.after(3*time.Minute, false)
		if got := m.after(time.Minute, false); len(got) > 0 {
			t.Errorf("told while the loop hangs: %q", got)
		}
		if got := m.after(time.Minute, true); !slices.Contains(got, "WATCHDOG=1") {
			t.Errorf("told when it goes on: %q", got)
		}
	})
}

// A reload ends when what follows is done, and one that is asked for meanwhile comes after it.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		reloads := 0
		m := begin(t, true, func(context.Context) {
			reloads++
			<-done
		})
		m.do(func() { m.health.Ready = true })
		m.after(time.Second, true)
		m.hangups <- unix.SIGHUP
		got := m.after(10*time.Second, true)
		if len(got) == 0 || !strings.HasPrefix(got[0], "RELOADING=1\nMONOTONIC_USEC=") || slices.Contains(got, "READY=1") || !slices.Contains(got, "WATCHDOG=1") {
			t.Errorf("while it reloads: %q", got)
		}
		m.hangups <- unix.SIGHUP
		if m.after(time.Second, true); reloads != 1 {
			t.Errorf("%d reloads at the same time", reloads)
		}
		done <- struct{}{}
		if got := m.after(time.Second, true); !slices.Contains(got, "READY=1") || reloads != 2 {
			t.Errorf("after it: %q, %d reloads", got, reloads)
		}
		close(done)
	})
}

// Without a service manager there is nobody to tell, and SIGHUP works.
func TestUnmanaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reloads := 0
		m := begin(t, false, func(context.Context) { reloads++ })
		m.hangups <- unix.SIGHUP
		m.do(func() { m.health.Ready = true })
		if got := m.after(time.Minute, true); len(got) > 0 || reloads != 1 {
			t.Errorf("told %q, %d reloads", got, reloads)
		}
	})
}

// What a module says cannot be a message of its own, and cannot keep one from being taken.
func TestLine(t *testing.T) {
	if got := line("not healthy: policy x: a\nMAINPID=1\x00\xff"); got != "not healthy: policy x: a MAINPID=1 ?" {
		t.Errorf("%q", got)
	}
	if got := line(strings.Repeat("\U0010ffff", 10_000)); len(got) > 4000 || !utf8.ValidString(got) {
		t.Errorf("%d bytes, %q", len(got), got)
	}
}

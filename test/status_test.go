package test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/api"
)

// What is wrong is in the first line and in the exit code, whatever the format.
func TestUnhealthyStatus(t *testing.T) {
	d := start(t)
	d.waitLoaded()
	if text := d.screen(); !strings.HasPrefix(text, "healthy: ") {
		t.Errorf("status:\n%s", text)
	}
	d.write("policies.d/10-broken.wasm", "this is not wasm")
	d.waitProblem("module 10-broken.wasm")
	if text := d.screen(); !strings.HasPrefix(text, "not healthy: module 10-broken.wasm: load: not WebAssembly") || !strings.Contains(text, "10-broken.wasm failed ") {
		t.Errorf("status:\n%s", text)
	}
	if out, _, err := d.output(nil, "status", "-o", "json"); exitCode(err) != 2 || !strings.Contains(out, `"healthy": false`) {
		t.Errorf("status -o json: %v\n%s", err, out)
	}
	d.check(onlyOutside)
}

// Pods are counted in the class that decides for them, with what modules said for it.
func TestStatusClasses(t *testing.T) {
	d := start(t)
	d.write("facts.yaml", replace(t, baseFacts, "name: pod-b, ip: 10.0.65.6", "name: pod-b, ip: 10.0.65.6, labels: {example.com/egress: own-address}"))
	sidecar, err := os.ReadFile("../examples/exclude-by-label/20-exclude-by-label.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d.dropInExample("exclude-by-label", "20-exclude-by-label", string(sidecar))
	d.waitLoaded()
	d.wait("a class of its own", func() error {
		if n := len(d.status().Classes); n != 2 {
			return fmt.Errorf("%d classes", n)
		}
		return nil
	})
	classes := d.status().Classes
	for i := range classes {
		classes[i].Name = fmt.Sprint(i)
	}
	want := []api.Class{
		{Name: "0", Node: true, Pods: 1, Prefixes: 3, Ranges: 2, Default: "translate", Source: "10.0.0.10"},
		{Name: "1", Pods: 1, Prefixes: 5, Ranges: 4, Default: "translate", Source: "10.0.0.10"},
	}
	if fmt.Sprint(classes) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", classes, want)
	}
}

// Watching goes on while the daemon is away, and ends well.
func TestWatchStatus(t *testing.T) {
	d := start(t)
	d.waitLoaded()
	var screens logBuffer
	command := d.command(nil, "status", "--watch")
	command.Stdout = &screens
	watching, err := d.lab.Node.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	waitLast := func(want string) {
		t.Helper()
		eventually(t, want, func() error {
			all := strings.Split(screens.String(), "\n\n")
			if len(all) > 1 && strings.HasPrefix(all[len(all)-2], want) {
				return nil
			}
			return fmt.Errorf("%q", all[max(0, len(all)-2):])
		})
	}
	waitLast("healthy: ")
	d.stop(syscall.SIGTERM)
	waitLast("not healthy: no snatd answers at " + d.path("snatd.sock"))
	d.run()
	waitLast("healthy: ")
	if err := watching.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := watching.Wait(); err != nil {
		t.Error(err)
	}
	if strings.Contains(screens.String(), "\x1b") {
		t.Errorf("escape sequences in a pipe: %q", screens.String())
	}
}

// On a terminal there are colours, unless they are not wanted, and watching leaves it as it
// was.
func TestStatusOnTerminal(t *testing.T) {
	d := start(t)
	d.waitLoaded()
	const reset, green = "\x1b[0m", "\x1b[32m"
	if got := d.onTerminal(nil, "status"); !strings.HasPrefix(got, green+"healthy: ") || !strings.Contains(got, reset) {
		t.Errorf("%q", got)
	}
	if got := d.onTerminal([]string{"NO_COLOR=1"}, "status"); strings.Contains(got, "\x1b") {
		t.Errorf("with NO_COLOR: %q", got)
	}
	const enter, leave = "\x1b[?1049h\x1b[?7l\x1b[?25l", "\x1b[?25h\x1b[?7h\x1b[?1049l"
	if got := d.onTerminal(nil, "status", "--watch"); !strings.HasPrefix(got, enter+"\x1b[H"+green+"healthy: ") || !strings.HasSuffix(got, leave) {
		t.Errorf("--watch: %q", got)
	}
}

// onTerminal runs snatd with a terminal as its standard output, interrupts it once it has
// written the daemon's version, the end of a screen, and returns what the terminal got.
func (d *daemon) onTerminal(environment []string, arguments ...string) string {
	d.t.Helper()
	master, slave := terminal(d.t)
	command := d.command(append(environment, "TERM=xterm"), arguments...)
	command.Stdout = slave
	process, err := d.lab.Node.Start(command)
	if err != nil {
		d.t.Fatal(err)
	}
	slave.Close()
	var got logBuffer
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(&got, master) // until nobody has the other end
	}()
	eventually(d.t, "a screen", func() error {
		if !strings.Contains(got.String(), "snatd        ") {
			return fmt.Errorf("%q", got.String())
		}
		return nil
	})
	_ = process.Signal(os.Interrupt) // it may have ended
	if err := process.Wait(); err != nil {
		d.t.Errorf("snatd %v: %v", arguments, err)
	}
	<-ended
	return got.String()
}

// terminal makes a pseudo terminal of 100 lines.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 100, Col: 200}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(filepath.Join("/dev/pts", fmt.Sprint(number)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

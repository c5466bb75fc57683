package test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/lab"
)

// patience is how long a test waits for a condition that must come: a time that only
// a broken test needs.
const patience = time.Minute

const baseConfig = `
network: {primaryInterface: eth0}
`

const baseFacts = `
node: {name: node-a}
vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16]}
namespaces: [{name: default}]
pods:
- {namespace: default, name: pod-a, ip: 10.0.1.5}
- {namespace: default, name: pod-b, ip: 10.0.65.6}
- {namespace: kube-system, name: host-pod, ip: 10.0.0.10, hostNetwork: true}
`

// daemon is a snatd that runs on a lab's node.
type daemon struct {
	t       *testing.T
	lab     *lab.Lab
	dir     string
	client  *api.Client
	process *lab.Process
	log     *logBuffer
	// program is what runs; empty for binary.
	program string
	// through is a program with arguments that starts the daemon; empty for none.
	through []string
	// compiled is where compiled modules are kept; empty for where all daemons of a run
	// keep them.
	compiled string
}

// binary is the snatd that make build made, or the one that SNATD_TEST_BINARY names.
func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(cmp.Or(os.Getenv("SNATD_TEST_BINARY"), "../bin/snatd"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	return path
}

// cache is shared by all daemons of a run: compiling the default module takes
// most of a second.
var cache = sync.OnceValues(func() (string, error) { return os.MkdirTemp(lab.Files, "cache") })

func newLab(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// prepare makes a lab with the files of a daemon, and does not start it.
func prepare(t *testing.T) *daemon {
	t.Helper()
	dir := t.TempDir() // which goes after the daemon, with the lab
	d := &daemon{t: t, lab: newLab(t), dir: dir}
	d.client = api.NewClient(d.path("snatd.sock"))
	if err := os.Mkdir(d.path("policies.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.setConfig(baseConfig)
	d.write("facts.yaml", baseFacts)
	return d
}

// start makes a lab and waits for the daemon's first rules.
func start(t *testing.T) *daemon {
	t.Helper()
	d := prepare(t)
	d.run()
	d.waitReady()
	return d
}

func (d *daemon) path(name string) string { return filepath.Join(d.dir, name) }

// write replaces a file as a careful tool does: whole, by renaming.
func (d *daemon) write(name, content string) {
	d.t.Helper()
	temporary := d.path(name + ".new")
	if err := os.WriteFile(temporary, []byte(content), 0o644); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Rename(temporary, d.path(name)); err != nil {
		d.t.Fatal(err)
	}
}

// setConfig writes a configuration with this lab's paths below it.
func (d *daemon) setConfig(text string) {
	d.t.Helper()
	shared, err := cache()
	if err != nil {
		d.t.Fatal(err)
	}
	d.write("config.yaml", fmt.Sprintf("%s\nfacts: {file: %s, record: %s}\nsocket: %s\npolicies: {directory: %s, deadline: 250ms, cache: %s}\n",
		text, d.path("facts.yaml"), d.path("record.yaml"), d.path("snatd.sock"), d.path("policies.d"), cmp.Or(d.compiled, shared)))
}

// command is snatd with arguments and this daemon's configuration.
func (d *daemon) command(environment []string, arguments ...string) *exec.Cmd {
	d.t.Helper()
	command := exec.Command(cmp.Or(d.program, binary(d.t)), append(arguments, "--config", d.path("config.yaml"))...)
	command.Env = append(os.Environ(), environment...)
	return command
}

// output runs snatd on the node to its end.
func (d *daemon) output(environment []string, arguments ...string) (out, errors string, err error) {
	d.t.Helper()
	var stdout, stderr bytes.Buffer
	command := d.command(environment, arguments...)
	command.Stdout, command.Stderr = &stdout, &stderr
	process, err := d.lab.Node.Start(command)
	if err != nil {
		d.t.Fatal(err)
	}
	err = process.Wait()
	return stdout.String(), stderr.String(), err
}

// run starts the daemon.
func (d *daemon) run(environment ...string) {
	d.t.Helper()
	d.log = &logBuffer{}
	command := d.command(environment, "run")
	if len(d.through) > 0 {
		through := exec.Command(d.through[0], slices.Concat(d.through[1:], command.Args)...)
		through.Env = command.Env
		command = through
	}
	command.Stderr = d.log
	var err error
	if d.process, err = d.lab.Node.Start(command); err != nil {
		d.t.Fatal(err)
	}
	log := d.log
	d.t.Cleanup(func() {
		if d.t.Failed() {
			d.t.Logf("the daemon's log:\n%s", log)
		}
	})
}

// stop ends the daemon and checks that it ends well.
func (d *daemon) stop(signal os.Signal) {
	d.t.Helper()
	if err := d.process.Signal(signal); err != nil {
		d.t.Fatal(err)
	}
	if err := d.process.Wait(); err != nil && signal != os.Kill {
		d.t.Fatalf("the daemon did not stop cleanly: %v", err)
	}
}

// eventually waits until the condition holds; its error says what is missing.
func eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, err)
		case <-tick.C:
		}
	}
}

// wait is eventually, for something that the running daemon must do.
func (d *daemon) wait(what string, condition func() error) {
	d.t.Helper()
	eventually(d.t, what, func() error {
		select {
		case <-d.process.Done():
			d.t.Fatalf("waiting for %s: the daemon ended", what)
		default:
		}
		return condition()
	})
}

func (d *daemon) waitReady() {
	d.t.Helper()
	d.wait("the first rules", func() error {
		status, err := d.client.Status(d.t.Context())
		if err == nil && !status.Ready {
			err = fmt.Errorf("not ready: %s", status.Waiting)
		}
		return err
	})
}

// waitLoaded waits until no module is loading any more: those of the binary decide
// natively until then.
func (d *daemon) waitLoaded() {
	d.t.Helper()
	d.wait("all modules to load", func() error {
		status, err := d.client.Status(d.t.Context())
		for _, m := range status.Modules {
			if err == nil && m.State == "loading" {
				err = fmt.Errorf("module %s is loading", m.Name)
			}
		}
		return err
	})
}

// waitAction waits until the daemon decides so for a connection.
func (d *daemon) waitAction(from, to netip.Addr, action string) {
	d.t.Helper()
	d.wait(fmt.Sprintf("%s from %s to %s", action, from, to), func() error {
		e, err := d.client.Explain(d.t.Context(), from.String(), to.String())
		if err == nil && string(e.Action) != action {
			err = fmt.Errorf("decided %s by %s: %s", e.Action, e.Module, e.Reason)
		}
		return err
	})
}

// waitProblem waits until the daemon reports a problem with this text.
func (d *daemon) waitProblem(text string) {
	d.t.Helper()
	d.wait("the problem "+text, func() error {
		status, err := d.client.Status(d.t.Context())
		if err != nil {
			return err
		}
		for _, p := range status.Problems {
			if strings.Contains(p.String(), text) {
				return nil
			}
		}
		return fmt.Errorf("problems: %v", status.Problems)
	})
}

func (d *daemon) status() api.Status {
	d.t.Helper()
	status, err := d.client.Status(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return status
}

// logBuffer is written by a process and read by a test.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

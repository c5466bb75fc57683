package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// starter starts the daemon again and again on one node.
type starter struct {
	lab       *lab.Lab
	node      *lab.Host
	binary    string
	directory string               // of the daemon's files
	kernel    *dataplane.Dataplane // the node's
}

const (
	configText = `facts:
  file: %[1]s/facts.yaml
  record: ""
network:
  primaryInterface: eth0
policies:
  directory: %[1]s/policies.d
  cache: %[1]s/cache
socket: %[1]s/snatd.sock
metrics:
  listen: ""
`
	factsText = `node: {name: node-a}
vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16]}
namespaces: [{name: default}]
pods:
  - {namespace: default, name: pod-a, ip: %s}
  - {namespace: default, name: pod-b, ip: %s}
`
)

func (s *starter) file(name string) string { return filepath.Join(s.directory, name) }

// prepare writes the daemon's files and opens the node's kernel.
func (s *starter) prepare() error {
	if err := os.MkdirAll(s.file("policies.d"), 0o700); err != nil {
		return err
	}
	config, facts := fmt.Sprintf(configText, s.directory), fmt.Sprintf(factsText, lab.PodA, lab.PodB)
	err := errors.Join(
		os.WriteFile(s.file("config.yaml"), []byte(config), 0o600),
		os.WriteFile(s.file("facts.yaml"), []byte(facts), 0o600),
	)
	if err != nil {
		return err
	}
	return s.node.Do(func() (err error) {
		s.kernel, err = dataplane.Open(slog.New(slog.DiscardHandler))
		return err
	})
}

// setCache empties the module cache, or fills it if it is empty.
func (s *starter) setCache(ctx context.Context, cold bool) error {
	if cold {
		return os.RemoveAll(s.file("cache"))
	}
	entries, err := os.ReadDir(s.file("cache"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(entries) == 0 {
		_, _, err = s.start(ctx)
	}
	return err
}

// start runs the daemon until it is ready, ends it and removes its rules. It
// returns the time until the first rules, and the resident memory in bytes.
func (s *starter) start(ctx context.Context) (took time.Duration, resident float64, err error) {
	err = s.with(ctx, func(ctx context.Context, daemon *lab.Process, begun time.Time) error {
		if err := until(ctx, daemon, "the table in the kernel", s.installed); err != nil {
			return err
		}
		took = time.Since(begun)
		if err := until(ctx, daemon, "the daemon to be ready", s.ready); err != nil {
			return err
		}
		resident, err = residentMemory(daemon.PID())
		return err
	})
	return took, resident, err
}

// longest is how long one daemon is measured: a time that only a broken run needs.
const longest = 5 * time.Minute

// with starts the daemon, calls use, ends the daemon and removes its rules.
func (s *starter) with(ctx context.Context, use func(ctx context.Context, daemon *lab.Process, begun time.Time) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	var log strings.Builder
	command := exec.CommandContext(ctx, s.binary, "run", "--config", s.file("config.yaml"))
	command.Stderr = &log
	command.Env = []string{} // variables would override the configuration
	begun := time.Now()
	daemon, err := s.node.Start(command)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, daemon.Signal(unix.SIGTERM), daemon.Wait())
		if err == nil {
			err = s.kernel.Apply(rules.Replace(nil).Ops)
		} else {
			err = fmt.Errorf("%w\nthe daemon says:\n%s", err, &log)
		}
	}()
	return use(ctx, daemon, begun)
}

func (s *starter) installed(context.Context) (bool, error) { return s.kernel.Exists(rules.TableName) }

// newStarter returns a starter on the node of a new lab; close ends both.
func newStarter(ctx context.Context, o options) (s *starter, close func() error, err error) {
	binary, err := filepath.Abs(o.snatd)
	if err == nil {
		_, err = os.Stat(binary)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: make build makes it", err)
	}
	vpc, err := lab.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	s = &starter{lab: vpc, node: vpc.Node, binary: binary}
	if s.directory, err = os.MkdirTemp(lab.Files, "bench"); err == nil {
		err = s.prepare()
	}
	if err != nil {
		vpc.Close()
		return nil, nil, err
	}
	return s, func() error {
		err := s.kernel.Close()
		vpc.Close()
		return err
	}, nil
}

// ready is that all modules have loaded, and that it is the Wasm module that
// decides.
func (s *starter) ready(ctx context.Context) (bool, error) {
	status, err := api.NewClient(s.file("snatd.sock")).Status(ctx)
	loading := func(m engine.ModuleStatus) bool { return m.State == "loading" }
	if err == nil && status.Ready && !slices.ContainsFunc(status.Modules, loading) {
		return true, expectActive(status)
	}
	return false, nil // also if it does not answer yet
}

func expectActive(status api.Status) error {
	for _, m := range status.Modules {
		if m.State != "active" {
			return fmt.Errorf("the module %s is %s, not active: make build makes a binary with Wasm modules", m.Name, m.State)
		}
	}
	return nil
}

// until asks every millisecond: seldom enough to leave the daemon its CPU.
func until(ctx context.Context, daemon *lab.Process, what string, condition func(context.Context) (bool, error)) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := condition(ctx); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-daemon.Done():
			return fmt.Errorf("waiting for %s: the daemon has ended", what)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

// residentMemory is VmRSS of a process, in bytes.
func residentMemory(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kibibytes, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kibibytes * 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}

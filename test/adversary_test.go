package test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/policy/wasmtest"
)

// Whatever is dropped in before the modules that decide, they go on deciding for
// every pod, and status says what is wrong with whom. Nothing of it stays behind.
func TestAdversaries(t *testing.T) {
	d := start(t)
	d.dropIn("50-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodB, lab.Peered, "exclude")
	want := world{internet: true}

	// All at once would be as well, but for who has to find out which one it was.
	const together = 32
	for group := range slices.Chunk(wasmtest.Adversaries(), together) {
		open := d.openAll()
		var files []string
		for _, a := range group {
			files = append(files, d.dropInAdversary(a))
		}
		d.check(want)
		d.wait("what becomes of "+strings.Join(files, ", "), func() error {
			status, err := d.client.Status(t.Context())
			for i, a := range group {
				err = errors.Join(err, met(status, files[i], a))
			}
			return err
		})
		d.check(want)
		d.changeGetsThrough()

		for _, file := range files {
			if err := os.Remove(d.path("policies.d/" + file)); err != nil {
				t.Fatal(err)
			}
		}
		d.wait("nothing to be left", func() error {
			status, err := d.client.Status(t.Context())
			if err == nil && (len(status.Modules) != 2 || len(status.Problems) > 0) {
				err = fmt.Errorf("modules %v, problems %v", status.Modules, status.Problems)
			}
			return err
		})
		d.check(want)
		for _, conn := range open {
			conn.check(t)
		}
	}
}

// dropInAdversary puts an adversary before the other modules, and returns the name
// of its file.
func (d *daemon) dropInAdversary(a wasmtest.Adversary) string {
	d.t.Helper()
	file := "10-" + a.Name + ".wasm"
	if a.Gzip {
		file += ".gz"
	}
	d.write(filepath.Join("policies.d", file), string(a.Bytes()))
	return file
}

// met is nil once the daemon says of an adversary what it must.
func met(status api.Status, file string, a wasmtest.Adversary) error {
	var said []string
	for _, p := range status.Problems {
		if p.Source == "module "+file {
			said = append(said, p.Message)
		}
	}
	text := strings.Join(said, "; ")
	if a.Class == "" && a.Message == "" {
		active := slices.ContainsFunc(status.Modules, func(m engine.ModuleStatus) bool { return m.Name == file && m.State == "active" })
		if !active || text != "" {
			return fmt.Errorf("%s must do no harm: active is %v, problems %q", file, active, text)
		}
		return nil
	}
	want := a.Message
	if a.Class != "" {
		want = a.Class + ": " + want
	}
	// On a busy machine the time is over first.
	deep := a.Class == "budget" || a.Message == wasmtest.Overflow
	late := strings.Contains(text, "deadline: ") || strings.Contains(text, "trap: "+wasmtest.Overflow)
	if !strings.Contains(text, want) && (!deep || !late) {
		return fmt.Errorf("%s: problems %q, want %q", file, text, want)
	}
	return nil
}

// changeGetsThrough: a pod's own decision still comes, and goes.
func (d *daemon) changeGetsThrough() {
	d.t.Helper()
	d.write("policies.d/50-peering.yaml", "config: {cidrs: \"172.31.0.0/16, 203.0.113.0/24\"}\n")
	d.waitAction(lab.PodA, outside, "exclude")
	d.write("policies.d/50-peering.yaml", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodA, outside, "translate")
}

// outside is nowhere in the lab.
var outside = netip.MustParseAddr("203.0.113.1")

// A module that takes too much to compile takes it from a process of its own.
func TestCostlyModule(t *testing.T) {
	d := start(t)
	d.dropIn("50-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.waitAction(lab.PodB, lab.Peered, "exclude")
	d.write("policies.d/10-costly.wasm", string(wasmtest.Costly()))
	d.check(world{internet: true})
	d.wait("the module to be refused", func() error {
		status, err := d.client.Status(t.Context())
		for _, m := range status.Modules {
			if m.Name == "10-costly.wasm" && m.State == "failed" && strings.Contains(m.Error, "too much for the compiler: ") {
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("modules %+v", status.Modules))
	})
	d.check(world{internet: true})
	d.changeGetsThrough()
}

package test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	past "github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/host/nstest"
)

// upgradeNetwork has all chains in the table that there are.
const upgradeNetwork = "network: {primaryInterface: eth0, nodePorts: true}\n"

// owned is the part of a listing that tells whose the table is.
var owned = regexp.MustCompile(`(?m)^table ip snatd \{.*$|^\tflags owner.*$`)

// standing is what is read of a status, which every version gives in its own form.
type standing struct {
	Ready    bool                           `json:"ready"`
	Waiting  string                         `json:"waiting"`
	Problems []struct{ Message string }     `json:"problems"`
	Modules  []struct{ Name, State string } `json:"modules"`
	Changes  uint64                         `json:"changes"`
	Held     *struct{ Ruleset string }      `json:"held"`
}

// launched starts the daemon and waits for it to stand.
func (d *daemon) launched() standing {
	d.t.Helper()
	d.run()
	return d.stands()
}

// stands waits until all modules decide and the kernel holds what follows, and returns how
// the daemon is, as its own version says.
func (d *daemon) stands() (s standing) {
	d.t.Helper()
	d.wait("all to be in force", func() error {
		out, stderr, _ := d.output(nil, "status", "-o", "json")
		s = standing{}
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			return fmt.Errorf("%w: %s", err, stderr)
		}
		for _, m := range s.Modules {
			if m.State == "loading" {
				return fmt.Errorf("module %s is loading", m.Name)
			}
		}
		if !s.Ready {
			return fmt.Errorf("waiting for %s", s.Waiting)
		}
		return nil
	})
	return s
}

// moveTo ends the daemon and starts another version of it on the same files.
func (d *daemon) moveTo(program string, signal os.Signal) standing {
	d.t.Helper()
	d.stop(signal)
	d.program = program
	return d.launched()
}

// settled checks what every version must do as the one before: packets, and the
// connections that are open.
func (d *daemon) settled(now standing, want world, open []*openConn) {
	d.t.Helper()
	d.check(want)
	for _, conn := range open {
		conn.check(d.t)
	}
	if len(now.Problems) > 0 {
		d.t.Errorf("problems %v", now.Problems)
	}
}

// keptModules are those that are kept compiled, and since when.
func (d *daemon) keptModules() map[string]time.Time {
	d.t.Helper()
	kept := map[string]time.Time{}
	err := filepath.WalkDir(d.compiled, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		kept[path] = info.ModTime()
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return kept
}

// The next version goes on from what the one before left, and that one from what the next
// left, however each ends. Who looks sees one run.
func TestUpgrade(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	forEarlier(t, func(t *testing.T, old earlierVersion, program string) {
		d := prepare(t)
		d.program, d.compiled = program, d.path("cache")
		config := upgradeNetwork
		if old.history {
			config += "history: {directory: " + d.path("history") + "}\n"
		}
		d.setConfig(config)
		d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
		want := world{internet: true}
		d.settled(d.launched(), want, nil)
		d.waitFile("record.yaml", "pod-b")
		open := d.openAll()
		made := func() string { return owned.ReplaceAllString(d.listing(), "") }
		before := made()
		told := d.told(old, nil)

		now := d.moveTo("", syscall.SIGTERM)
		d.settled(now, want, open)
		if most := map[bool]uint64{true: 0, false: 1}[old.alike]; now.Changes > most {
			t.Errorf("%d changes", now.Changes)
		}
		if status := d.status(); !status.Healthy {
			t.Error(status.Why)
		}
		after := made()
		if diff := cmp.Diff(before, after); (diff == "") != old.alike {
			t.Errorf("the table is alike %v: %s", old.alike, diff)
		}
		told = d.told(old, told)
		kept := d.keptModules()
		if len(kept) == 0 {
			t.Error("no module is kept compiled")
		}

		d.settled(d.moveTo(program, os.Kill), want, open)
		if diff := cmp.Diff(before, made()); diff != "" && old.alike {
			t.Errorf("going back changes the table: %s", diff)
		}
		told = d.told(old, told)
		d.settled(d.moveTo("", os.Kill), want, open)
		if diff := cmp.Diff(after, made()); diff != "" && old.alike {
			t.Errorf("coming again changes the table: %s", diff)
		}
		told = d.told(old, told)
		if now := d.keptModules(); !maps.Equal(kept, now) {
			t.Errorf("modules were compiled again: kept were %v, now %v", kept, now)
		}

		// With another configuration at once: live connections are none of its business.
		d.moveTo(program, syscall.SIGTERM)
		told = d.told(old, told)
		d.stop(os.Kill)
		d.setConfig(config + "snat: {excludeCIDRs: [198.51.100.0/24], mark: 0x100}\n")
		d.program = ""
		d.settled(d.launched(), world{}, open)
		d.told(old, told)
		if log := d.log.String(); strings.Contains(log, "level=ERROR") {
			t.Error("the log has errors")
		}
	})
}

// told waits until one change more than before is on disk, and returns all of them, where a
// version keeps a history.
func (d *daemon) told(version earlierVersion, before []past.Entry) (now []past.Entry) {
	d.t.Helper()
	if !version.history {
		return nil
	}
	d.wait("a change to be told", func() error {
		entries, err := d.client.History(d.t.Context())
		if now = entries; err == nil && len(now) != len(before)+1 {
			err = fmt.Errorf("%d changes, %d before", len(now), len(before))
		}
		return err
	})
	if diff := cmp.Diff(before, now[:len(before)], cmpopts.EquateEmpty()); diff != "" {
		d.t.Errorf("what was told before is told otherwise: %s", diff)
	}
	d.waitFile(fmt.Sprintf("history/%d/facts.yaml", now[len(before)].Number), "pod-b")
	return now
}

// What one version holds the next one holds, and that one again, however each ends; it is
// approved where somebody approves it.
func TestUpgradeHolds(t *testing.T) {
	forEarlier(t, func(t *testing.T, old earlierVersion, program string) {
		if !old.guard {
			return // it holds nothing
		}
		d := prepare(t)
		d.program, d.compiled = program, d.path("cache")
		d.setConfig(upgradeNetwork + "guard: {maxChange: {pods: 30%}}\n")
		d.launched()
		d.waitFile("record.yaml", "pod-b")
		open := d.openAll()
		d.write("facts.yaml", wider(t, baseFacts))
		holds := func() (now standing) {
			t.Helper()
			d.wait("a change to be held", func() error {
				out, stderr, _ := d.output(nil, "status", "-o", "json")
				now = standing{}
				if err := json.Unmarshal([]byte(out), &now); err != nil {
					return fmt.Errorf("%w: %s", err, stderr)
				}
				if now.Held == nil {
					return fmt.Errorf("nothing is, waiting for %q", now.Waiting)
				}
				return nil
			})
			return now
		}
		held := holds().Held.Ruleset
		d.waitFile("record.yaml.held", held)
		for _, to := range []struct {
			program string
			signal  os.Signal
		}{{"", syscall.SIGTERM}, {program, os.Kill}, {"", os.Kill}} {
			d.stop(to.signal)
			d.program = to.program
			d.run()
			if now := holds(); now.Ready || now.Held.Ruleset != held || !strings.Contains(now.Waiting, "approval") || now.Changes > 0 {
				t.Errorf("held was %s, now %+v", held, now)
			}
			d.check(onlyOutside)
			for _, conn := range open {
				conn.check(t)
			}
		}
		d.succeed("approve", held)
		d.settled(d.stands(), world{internet: true}, open)
	})
}

// A version that does not know a key of the configuration does not start, and says which;
// what the one before left stays in force until the key is gone.
func TestDowngradeBeforeConfiguration(t *testing.T) {
	forEarlier(t, func(t *testing.T, _ earlierVersion, program string) {
		d := start(t)
		open := d.openAll()
		d.stop(syscall.SIGTERM)
		d.program = program
		d.setConfig(baseConfig + "tomorrow: {any: thing}\n")
		_, stderr, err := d.output(nil, "run")
		if exitCode(err) != 1 || !strings.Contains(stderr, "tomorrow: unknown key, accepted: facts, ") {
			t.Errorf("%v: %s", err, stderr)
		}
		d.check(onlyOutside)
		d.setConfig(baseConfig)
		d.settled(d.launched(), onlyOutside, open)
	})
}

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	past "github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// worker makes a lab for a daemon that will do all there is to do. Beside it are rules of
// iptables-legacy, which translate nothing here.
func worker(t *testing.T) *daemon {
	t.Helper()
	nstest.Need(t, "iptables-legacy", "iptables")
	d := prepare(t)
	d.compiled = d.path("cache") // where nothing is yet: compiling is a part of the work
	d.setConfig(d.working("guard: {maxChange: {pods: 30%}}"))
	iptables("iptables-legacy").run(d, "-t nat -A POSTROUTING -p tcp --dport 9 -j MASQUERADE")
	return d
}

// working is the configuration of a worker, with another line.
func (d *daemon) working(line string) string {
	return fmt.Sprintf("network: {primaryInterface: eth0, protect: \"off\"}\nhistory: {directory: %s}\n%s\n", d.path("history"), line)
}

// work has the daemon, which just started, do what daemons do, and checks that it is done.
// Where other tests look at each of these closely, this is whether they are possible at all.
func (d *daemon) work() {
	d.t.Helper()
	d.waitReady()
	d.waitLoaded()
	d.waitProblemFree()
	d.check(onlyOutside)
	d.looksAround()
	d.decides()
	d.heals()
	d.isAsked()
	d.isConfigured()
	d.restarts()
	d.waitProblemFree()
}

// waitProblemFree waits until nothing is wrong, which is what a refused step would be.
func (d *daemon) waitProblemFree() {
	d.t.Helper()
	d.wait("no problems", func() error {
		status, err := d.client.Status(d.t.Context())
		if err == nil && len(status.Problems) > 0 {
			err = fmt.Errorf("%v", status.Problems)
		}
		return err
	})
}

// looksAround reads the rules of iptables-legacy, in its own way to the kernel.
func (d *daemon) looksAround() {
	d.t.Helper()
	d.wait("the rule of iptables-legacy to be seen", func() error {
		around := d.status().Neighbours
		for _, n := range around {
			if strings.Contains(n.Message, "may translate traffic of pods, in POSTROUTING") {
				return nil
			}
		}
		return fmt.Errorf("%+v", around)
	})
}

// decides compiles a module, holds what follows until that is approved, and keeps it on
// disk.
func (d *daemon) decides() {
	d.t.Helper()
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16}\n")
	d.succeed("approve", d.held("module 10-peering.wasm added").Ruleset)
	d.check(world{internet: true})
	change := d.waitHistory("modules decide otherwise, approved", past.Applied)
	d.wait("the change to be on disk", func() error {
		_, err := os.Stat(filepath.Join(d.path("history"), fmt.Sprint(change.Number), "policies.d", "10-peering.wasm"))
		return err
	})
}

// heals puts right what others do to the table and to the routing rule.
func (d *daemon) heals() {
	d.t.Helper()
	for _, spoil := range []func() error{
		func() error { return d.damage("flush", "ruleset") },
		func() error { d.ip("rule", "del", "priority", "1025"); return nil },
	} {
		before := d.status().Repairs
		if err := spoil(); err != nil {
			d.t.Fatal(err)
		}
		d.wait("the rules to be put right", func() error {
			if now := d.status().Repairs; now == before {
				return fmt.Errorf("%d repairs", now)
			}
			return nil
		})
	}
	if held := d.kernel(); !held.table || !held.rule {
		d.t.Errorf("the kernel holds %+v", held)
	}
	d.check(world{internet: true})
}

// isAsked has the daemon asked in all ways that there are.
func (d *daemon) isAsked() {
	d.t.Helper()
	for _, arguments := range [][]string{
		{"status"}, {"flows"}, {"facts"}, {"history"}, {"explain", "--from", "default/pod-a", "--to", lab.Internet.String()},
		{"history", "export", "1", d.path("exported")},
	} {
		d.succeed(arguments...)
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/", "/?from=default/pod-a&to=" + lab.Internet.String()} {
		if code, text, err := d.get(path); code != 200 || err != nil {
			d.t.Errorf("%s: %d, %v\n%s", path, code, err, text)
		}
	}
	if repairs, err := d.sample("snatd_repairs_total"); err != nil || repairs == 0 {
		d.t.Errorf("snatd_repairs_total %v, %v", repairs, err)
	}
}

// isConfigured takes another configuration, and ends the connection that it decides
// otherwise.
func (d *daemon) isConfigured() {
	d.t.Helper()
	conn := d.open(d.lab.PodA, lab.UDP, lab.Internet)
	d.setConfig(d.working("snat: {onChange: flush, excludeCIDRs: [198.51.100.0/24]}"))
	d.waitAction(lab.PodA, lab.Internet, "exclude")
	d.check(world{})
	if seen, err := conn.Ask(d.t.Context()); err != nil || seen.Addr() != lab.PodA || d.status().Ended == 0 {
		d.t.Errorf("the open connection is seen as %s, %v, and %d have ended", seen, err, d.status().Ended)
	}
	d.removeDropIn("10-peering")
	d.waitAction(lab.PodB, lab.Peered, "translate")
}

// restarts ends the daemon and starts another, which begins with what the first recorded.
func (d *daemon) restarts() {
	d.t.Helper()
	conn := d.open(d.lab.PodB, lab.TCP, lab.Peered)
	d.stop(syscall.SIGTERM)
	d.run()
	d.waitReady()
	d.check(world{peered: true})
	conn.check(d.t)
}

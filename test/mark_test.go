package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// waitMarks waits until the node routes by these marks, in their order, and the daemon
// says that so many connections need something of earlier rules.
func (d *daemon) waitMarks(kept int, marks ...uint32) {
	d.t.Helper()
	d.wait(fmt.Sprintf("routing rules for marks %#x", marks), func() error {
		got, err := d.marks()
		slices.Sort(got)
		if err == nil && !slices.Equal(got, marks) {
			err = fmt.Errorf("routing rules for marks %#x", got)
		}
		status, asked := d.client.Status(d.t.Context())
		if asked == nil && status.Kept != kept {
			asked = fmt.Errorf("%d connections are kept, want %d", status.Kept, kept)
		}
		return errors.Join(err, asked)
	})
}

// A connection keeps what it needs while it lives when the mark is another one after a
// restart, also over more of them, and whoever removes what: its mark's routing rule, and
// the rule that restores the mark. Both go with it.
func TestEarlierMark(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	const network, before, now = "network: {primaryInterface: eth0, protect: \"off\"}\n", 0x80, 0x10000
	d := prepare(t)
	d.setConfig(network)
	d.run()
	d.waitReady()
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet) // needs the routing rule
	d.stop(syscall.SIGTERM)
	d.setConfig(network + fmt.Sprintf("snat: {mark: %#x}\n", now))
	d.run()
	d.waitMarks(1, before, now)
	conn.check(t)
	if out, _, err := d.output(nil, "status"); err != nil || !strings.Contains(out, "1 live ones keep what they need of earlier rules") {
		t.Errorf("%s, %v", out, err)
	}

	damages := map[string]func(){
		"the rule of the earlier mark": func() { d.ip("rule", "del", "fwmark", "0x80/0x80", "priority", "1025") },
		"both rules": func() {
			d.ip("rule", "del", "priority", "1025")
			d.ip("rule", "del", "priority", "1025")
		},
		"the table": func() {
			if err := d.damage("flush", "ruleset"); err != nil {
				t.Fatal(err)
			}
		},
	}
	const restored = "0x00000080"
	rules, err := d.rules()
	if err != nil || !strings.Contains(rules, restored) {
		t.Fatalf("%v, the table is\n%s", err, rules)
	}
	whole := func(what string) {
		t.Helper()
		d.waitMarks(1, before, now)
		d.wait(what+" to be back", func() error {
			got, err := d.rules()
			if err == nil && got != rules {
				err = fmt.Errorf("the table is\n%s", got)
			}
			return err
		})
		conn.check(t)
	}
	for what, damage := range damages {
		repairs := d.status().Repairs
		damage()
		whole(what)
		d.wait("the repair to be counted", func() error {
			status, err := d.client.Status(t.Context())
			if err == nil && status.Repairs <= repairs {
				err = fmt.Errorf("%d repairs", status.Repairs)
			}
			return err
		})
	}
	for what, damage := range damages {
		d.stop(os.Kill)
		damage() // while nobody looks
		d.run()
		whole(what)
	}

	conn.Close()
	d.waitMarks(0, now)
	d.wait("the earlier mark to be in no rule", func() error {
		got, err := d.rules()
		if err == nil && strings.Contains(got, restored) {
			err = fmt.Errorf("the table is\n%s", got)
		}
		return err
	})
	d.check(onlyOutside)
}

// A mark that a pod gives its packets and its connections is its own namespace's: it neither
// translates nor leads anywhere.
func TestPodCannotMark(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	d := start(t)
	for _, pod := range []*lab.Host{d.lab.PodA, d.lab.PodB} {
		err := pod.Do(func() error {
			out, err := exec.Command("nft", "table ip own { chain c { type route hook output priority mangle; meta mark set 0x80; ct mark set 0x80; }; }").CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.check(onlyOutside)
}

package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// damage has nft change something; the kernel may refuse it.
func (d *daemon) damage(arguments ...string) error {
	d.t.Helper()
	nstest.Need(d.t, "nft", "nftables")
	if out, err := d.nft("", arguments...); err != nil {
		return fmt.Errorf("nft %q: %w: %s", arguments, err, out)
	}
	return nil
}

// rules is snatd's table as nft lists it, without handles and counts.
func (d *daemon) rules() (string, error) {
	return d.nft("", "--stateless", "list", "table", "ip", "snatd")
}

// Whatever others do to the table is put back, and status says what it was and who.
func TestHealing(t *testing.T) {
	d := prepare(t)
	d.setConfig("network: {protect: \"off\"}")
	d.run()
	d.waitReady()
	want, err := d.rules()
	if err != nil {
		t.Fatal(err)
	}
	open := d.openAll()
	for n, damage := range [][]string{
		{"flush", "ruleset"},
		{"delete", "table", "ip", "snatd"},
		{"flush", "chain", "ip", "snatd", "prerouting"},
		{"add", "rule", "ip", "snatd", "postrouting", "accept"},
		{"insert", "rule", "ip", "snatd", "prerouting", "drop"},
		{"add", "chain", "ip", "snatd", "mine"},
		{"add", "element", "ip", "snatd", "pods", "{ 10.0.1.5 : drop }"},
	} {
		if err := d.damage(damage...); err != nil {
			t.Fatal(err)
		}
		d.wait(fmt.Sprintf("%q to be put right", damage), func() error {
			got, err := d.rules()
			if err == nil && got != want {
				err = fmt.Errorf("the table is\n%s", got)
			}
			status, asked := d.client.Status(t.Context())
			if asked == nil && (status.Repairs == 0 || status.Repaired == nil || !strings.HasPrefix(status.Repaired.By, "nft ")) {
				asked = fmt.Errorf("repairs %d, repaired %+v", status.Repairs, status.Repaired)
			}
			return errors.Join(err, asked)
		})
		if n < 2 {
			d.check(onlyOutside)
		}
	}
	d.check(onlyOutside)
	for _, conn := range open {
		conn.check(t)
	}
	if repairs, err := d.sample("snatd_repairs_total"); err != nil || repairs == 0 {
		t.Errorf("snatd_repairs_total %v, %v", repairs, err)
	}
}

// A program that goes on and on is named, and slowed down.
func TestFight(t *testing.T) {
	d := prepare(t)
	d.setConfig("network: {protect: \"off\"}")
	d.run()
	d.waitReady()
	d.wait("a fight to be told", func() error {
		if err := d.damage("delete", "table", "ip", "snatd"); err != nil && !strings.Contains(err.Error(), "No such file") {
			t.Fatal(err)
		}
		status, err := d.client.Status(t.Context())
		for _, p := range status.Problems {
			if strings.HasPrefix(p.Message, "nft keeps changing snatd's rules") {
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("problems %v after %d repairs", status.Problems, status.Repairs))
	})
	d.wait("peace", func() error {
		status, err := d.client.Status(t.Context())
		if err == nil && len(status.Problems) > 0 {
			err = fmt.Errorf("problems %v", status.Problems)
		}
		return err
	})
	d.check(onlyOutside)
}

// A table that is snatd's alone is not even touched, over a restart too.
func TestProtected(t *testing.T) {
	d := start(t)
	if status := d.status(); status.Protection != "protected" {
		t.Skipf("%s", status.Kernel)
	}
	for _, damage := range [][]string{
		{"delete", "table", "ip", "snatd"},
		{"flush", "chain", "ip", "snatd", "prerouting"},
		{"add", "rule", "ip", "snatd", "postrouting", "accept"},
	} {
		if err := d.damage(damage...); err == nil {
			t.Errorf("nft %q was not refused", damage)
		}
	}
	if err := d.damage("flush", "ruleset"); err != nil {
		t.Error(err)
	}
	d.check(onlyOutside)
	if status := d.status(); status.Repairs != 0 {
		t.Errorf("repaired %+v", status.Repaired)
	}
}

// Connections that a change decides otherwise end, go on and are counted, or go on.
func TestOnChange(t *testing.T) {
	for _, onChange := range []string{"keep", "drain", "flush"} {
		t.Run(onChange, func(t *testing.T) {
			d := prepare(t)
			d.setConfig("snat: {onChange: " + onChange + "}")
			d.run()
			d.waitReady()
			before := d.open(d.lab.PodA, lab.UDP, lab.Internet)
			other := d.open(d.lab.PodA, lab.UDP, lab.Peered)
			d.setConfig("snat: {onChange: " + onChange + ", excludeCIDRs: [198.51.100.0/24]}")
			d.waitAction(lab.PodA, lab.Internet, "exclude")
			status := d.status()
			switch onChange {
			case "flush":
				if status.Ended != 1 || status.Draining != 0 {
					t.Errorf("%d ended, %d draining", status.Ended, status.Draining)
				}
				if seen, err := before.Ask(t.Context()); err != nil || seen.Addr() != lab.PodA {
					t.Errorf("seen as %s, %v; want %s", seen, err, lab.PodA)
				}
			case "drain":
				if status.Ended != 0 || status.Draining != 1 {
					t.Errorf("%d ended, %d draining", status.Ended, status.Draining)
				}
				before.check(t)
			case "keep":
				if status.Ended != 0 || status.Draining != 0 {
					t.Errorf("%d ended, %d draining", status.Ended, status.Draining)
				}
				before.check(t)
			}
			other.check(t)
		})
	}
}

// Connections are listed with what decides about them.
func TestFlows(t *testing.T) {
	d := start(t)
	d.open(d.lab.PodA, lab.TCP, lab.Internet)
	d.open(d.lab.PodB, lab.UDP, lab.Peered)
	d.open(d.lab.PodB, lab.TCP, lab.VPC) // not translated
	flows, err := d.client.Flows(t.Context(), 100)
	if err != nil || flows.Total != 2 || len(flows.Flows) != 2 {
		t.Fatalf("%+v, %v", flows, err)
	}
	f := flows.Flows[0]
	if f.Protocol != "tcp" || f.Source.Addr() != lab.PodA || f.Destination != d.endpoint(lab.Internet) || f.Seen.Addr() != lab.NodePrimary ||
		f.Subject != "default/pod-a" || f.Module != "default" || !f.Decision.Current || f.Reason == "" {
		t.Errorf("%+v", f)
	}
	out, failed, err := d.output(nil, "flows", "--limit", "1")
	if err != nil || failed != "" || !strings.Contains(out, "default/pod-a") || !strings.HasSuffix(out, "1 of 2 translated connections\n") {
		t.Errorf("%s%s%v", out, failed, err)
	}
	if _, failed, err := d.output(nil, "flows", "--limit", "0"); err == nil || !strings.Contains(failed, `limit: "0", accepted: 1 to 100000`) {
		t.Errorf("%s, %v", failed, err)
	}
}

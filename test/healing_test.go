package test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
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
	repairs, err := d.sample("snatd_repairs_total")
	if err != nil || repairs == 0 {
		t.Errorf("snatd_repairs_total %v, %v", repairs, err)
	}
	// Those change the kernel too, as the first rules did.
	changes, err := d.sample("snatd_kernel_changes_total")
	if err != nil || changes != repairs+1 {
		t.Errorf("snatd_kernel_changes_total %v, %v after %v repairs", changes, err, repairs)
	}
}

// The routing rule is put back whatever others make of it, and theirs stay.
func TestRoutingRuleHealing(t *testing.T) {
	d := start(t)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	want := d.routing()
	const theirs = "900: from all fwmark 0x80/0x80 lookup main proto static"
	for n, by := range []string{
		"",
		"fwmark 0x80/0x80 lookup 100 priority 1025 protocol 83",
		"fwmark 0x80/0x80 lookup main priority 1026 protocol 83",
		"fwmark 0x80/0xff lookup main priority 1025 protocol 83",
		"fwmark 0x80/0x80 iif lo lookup main priority 1025 protocol 83",
		"fwmark 0x80/0x80 lookup main priority 900 protocol static",
	} {
		d.ip("rule", "del", "priority", "1025")
		if by != "" {
			d.ip(append([]string{"rule", "add"}, strings.Fields(by)...)...)
		}
		d.wait(fmt.Sprintf("the routing rule in place of %q", by), func() error {
			got := slices.DeleteFunc(d.routing(), func(rule string) bool { return rule == theirs })
			if !slices.Equal(got, want) {
				return fmt.Errorf("the rules are\n%s", strings.Join(got, "\n"))
			}
			status, err := d.client.Status(t.Context())
			if err == nil && (status.Repairs <= uint64(n) || !strings.Contains(status.Repaired.String(), "routing rule for mark 0x80")) {
				err = fmt.Errorf("repairs %d, repaired %+v", status.Repairs, status.Repaired)
			}
			return err
		})
		conn.check(t)
	}
	if !slices.Contains(d.routing(), theirs) {
		t.Error("the rule of somebody else is gone")
	}
}

// That does not wait for policies, of which one takes five seconds here.
func TestHealingDuringEvaluation(t *testing.T) {
	d, rules := deaf(t)
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.stop(syscall.SIGTERM)
	d.write("config.yaml", replace(t, string(config), "deadline: 250ms", "deadline: 5s"))
	const begins, ends = "this takes for ever", "took longer than"
	m := wasmtest.NewGuest()
	d.write("policies.d/10-slow.wasm", string(m.Decide(abi.NoOpinion,
		m.Text("pod.label.slow"), wasmtest.Const(0), wasmtest.Const(0), m.Fact, wasmtest.Const(1), wasmtest.Add,
		wasmtest.If(wasmtest.Const(abi.LevelInfo), m.Text(begins), m.Log, wasmtest.Forever()))))
	d.run()
	d.waitReady()
	d.waitLoaded()
	d.write("facts.yaml", replace(t, baseFacts, "ip: 10.0.1.5", "ip: 10.0.1.5, labels: {slow: yes}"))
	d.wait("the evaluation to begin", func() error {
		if log := d.log.String(); !strings.Contains(log, begins) {
			return errors.New(log)
		}
		return nil
	})
	want := d.routing()
	for n, damage := range []func() error{
		func() error { return d.damage("flush", "ruleset") },
		func() error { d.ip("rule", "del", "priority", "1025"); return nil },
		func() error { return d.damage("flush", "chain", "ip", "snatd", "prerouting") },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		d.waitHealed(uint64(n+1), rules)
		if got := d.routing(); !slices.Equal(got, want) {
			t.Errorf("the routing rules are %q, want %q", got, want)
		}
	}
	if log := d.log.String(); strings.Contains(log, ends) {
		t.Error("the evaluation ended before the rules were put right")
	}
	d.waitProblem(ends)
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

// needProtection ends the test where the kernel has no tables of one's own.
func (d *daemon) needProtection() {
	d.t.Helper()
	if kernel := d.status().Kernel; !kernel.Has(dataplane.Protecting) {
		d.t.Skipf("%s", kernel)
	}
}

// A table that is snatd's alone is not even touched, over a restart too.
func TestProtected(t *testing.T) {
	d := start(t)
	d.needProtection()
	if status := d.status(); status.Protection != dataplane.Protected {
		t.Fatalf("the table is %s", status.Protection)
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

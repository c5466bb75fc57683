package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

const guarded = baseConfig + "guard: {maxChange: {pods: 30%}}\n"

// wider are facts with the peered VPC's CIDR among those of the VPC, so that all pods change.
func wider(t *testing.T, base string) string {
	return replace(t, base, "100.64.0.0/16]", "100.64.0.0/16, 172.31.0.0/16]")
}

// held waits until a change is held, and for no other reason than the text.
func (d *daemon) held(because string) (held engine.Held) {
	d.t.Helper()
	d.wait("a held change because "+because, func() error {
		status, err := d.client.Status(d.t.Context())
		if err == nil && (status.Held == nil || status.Held.Because != because) {
			return fmt.Errorf("held %+v", status.Held)
		}
		if err == nil {
			held = *status.Held
		}
		return err
	})
	return held
}

func (d *daemon) waitNothingHeld() {
	d.t.Helper()
	d.wait("nothing to be held", func() error {
		status, err := d.client.Status(d.t.Context())
		if err == nil && status.Held != nil {
			err = errors.New(status.Held.String())
		}
		return err
	})
}

// guardedDaemon is one whose guard lets a third of the pods through.
func guardedDaemon(t *testing.T) *daemon {
	t.Helper()
	d := prepare(t)
	d.setConfig(guarded)
	d.run()
	d.waitReady()
	d.waitLoaded()
	return d
}

// A change beyond the limit is held: packets go on as before it, until it is approved, and
// nothing but what was shown is.
func TestGuardHolds(t *testing.T) {
	d := guardedDaemon(t)
	before := d.status()
	open := d.openAll()
	facts := wider(t, baseFacts)
	d.write("facts.yaml", facts)
	held := d.held("vpc")
	if held.Subjects != 3 || held.Of != 3 || held.Largest.Addresses != 1<<16 || held.Limit != "guard.maxChange.pods: 30%" || held.Since.IsZero() {
		t.Errorf("%+v", held)
	}
	d.check(onlyOutside)
	if now := d.status(); !now.Ready || now.Ruleset != before.Ruleset || now.Changes != before.Changes {
		t.Errorf("while it is held: %+v", now)
	}
	d.waitProblem("guard: a change is held since ")
	d.waitLog("msg=\"a change is held\"", "because=vpc beyond=\"guard.maxChange.pods: 30%\"")
	if text, _, _ := d.output(nil, "status"); !strings.Contains(text, "ruleset "+held.Ruleset[:12]+" decides otherwise for 3 of 3 subjects") {
		t.Error(text)
	}
	if plan := d.planned(true); plan.Held == nil || plan.Held.Ruleset != held.Ruleset || plan.After != held.Ruleset || len(plan.Decisions) != 3 {
		t.Errorf("plan: %+v", plan.Held)
	}

	// Another change beside it makes another ruleset of it, and the first is not what is
	// approved any more.
	d.write("facts.yaml", replace(t, facts, "172.31.0.0/16]", "172.31.0.0/16, 192.0.2.0/24]"))
	d.wait("another ruleset to be held", func() error {
		if now := d.status().Held; now == nil || now.Ruleset == held.Ruleset {
			return errors.New("the same")
		}
		return nil
	})
	_, stderr, err := d.output(nil, "approve", held.Ruleset)
	if other := d.status().Held; exitCode(err) != 1 || !strings.Contains(stderr, "is not what is held now: ruleset "+other.Ruleset[:12]) {
		t.Errorf("the older one: %v, %s", err, stderr)
	}
	for digest, want := range map[string]string{held.Ruleset[:11]: "accepted: at least the first 12 digits", strings.Repeat("x", 9000): "is not what is held"} {
		if _, stderr, err := d.output(nil, "approve", digest); exitCode(err) != 1 || !strings.Contains(stderr, want) || len(stderr) > 1000 {
			t.Errorf("approve %.20s: %v, %s", digest, err, stderr)
		}
	}
	d.check(onlyOutside)

	d.write("facts.yaml", facts)
	d.wait("the first ruleset again", func() error {
		if now := d.status().Held; now == nil || now.Ruleset != held.Ruleset {
			return errors.New("another")
		}
		return nil
	})
	if out := d.succeed("approve", held.Ruleset[:12]); !strings.HasPrefix(out, "in force: ruleset "+held.Ruleset[:12]) {
		t.Error(out)
	}
	if now := d.status(); now.Held != nil || now.Ruleset != held.Ruleset || len(now.Problems) > 0 {
		t.Errorf("after the approval: %+v", now)
	}
	d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
	d.see(d.lab.PodB, lab.TCP, lab.Peered, lab.PodB)
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.NodePrimary)
	for _, conn := range open {
		conn.check(t)
	}
	d.waitLog("because=\"vpc, approved\"")
	for _, arguments := range [][]string{{"approve"}, {"approve", held.Ruleset}} {
		if _, stderr, err := d.output(nil, arguments...); exitCode(err) != 1 || stderr != "snatd: nothing is held\n" {
			t.Errorf("%v: %v, %s", arguments, err, stderr)
		}
	}
}

// What is withdrawn ends without approval, and what the limit lets through never begins.
func TestGuardLetsThrough(t *testing.T) {
	d := guardedDaemon(t)
	d.write("facts.yaml", wider(t, baseFacts))
	held := d.held("vpc")
	d.write("facts.yaml", baseFacts)
	d.waitNothingHeld()
	d.check(onlyOutside)

	// Raising the limit is a word of the operator too.
	d.write("facts.yaml", wider(t, baseFacts))
	if again := d.held("vpc"); again.Ruleset != held.Ruleset {
		t.Errorf("held %s, then %s", held.Ruleset, again.Ruleset)
	}
	d.setConfig(replace(t, guarded, "30%", "100%"))
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.PodA)

	// 65,536 addresses are less than a tenth of a percent.
	d.setConfig(baseConfig + "guard: {maxChange: {addresses: 0.1%}}\n")
	d.write("facts.yaml", baseFacts)
	d.waitAction(lab.PodA, lab.Peered, "translate")
	d.write("facts.yaml", replace(t, baseFacts, "100.64.0.0/16]", "100.64.0.0/16, 32.0.0.0/8]"))
	if held := d.held("vpc"); held.Limit != "guard.maxChange.addresses: 0.1%" || held.Largest.Addresses != 1<<24 {
		t.Errorf("%+v", held)
	}
	d.check(onlyOutside)
}

// While a change is held, pods that come are decided for by it, pods that go leave nothing
// behind, and what is no decision changes: nobody relies on what was before.
func TestGuardMeanwhile(t *testing.T) {
	const podB = "- {namespace: default, name: pod-b, ip: 10.0.65.6}\n"
	d := guardedDaemon(t)
	d.write("facts.yaml", wider(t, replace(t, baseFacts, podB, "")))
	d.held("vpc, pod default/pod-b removed")
	d.see(d.lab.PodB, lab.TCP, lab.Peered, lab.NodePrimary)
	d.write("facts.yaml", wider(t, baseFacts))
	d.waitAction(lab.PodB, lab.Peered, "exclude")
	d.see(d.lab.PodB, lab.TCP, lab.Peered, lab.PodB)
	d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.NodePrimary)
	if e := d.explained("--from", "default/pod-b", "--to", lab.Peered.String()); !e.Kernel.Agrees || e.Reason != "vpc cidr" {
		t.Errorf("%+v", e)
	}
	if e := d.explained("--from", "default/pod-a", "--to", lab.Peered.String()); !e.Kernel.Agrees || e.Reason != "outside the vpc" {
		t.Errorf("%+v", e)
	}
	d.write("facts.yaml", wider(t, replace(t, baseFacts, podB, "")))
	d.waitAction(lab.PodB, lab.Peered, "translate")
	d.see(d.lab.PodB, lab.TCP, lab.Peered, lab.NodePrimary)

	// However many come: those who were known then are as many as they were.
	many := wider(t, replace(t, baseFacts, podB, ""))
	for i := range 20 {
		many += fmt.Sprintf("- {namespace: default, name: job-%d, ip: 10.0.1.%d}\n", i, 100+i)
	}
	d.write("facts.yaml", many)
	d.wait("those who come to be decided for", func() error {
		status, err := d.client.Status(t.Context())
		if err == nil && status.Subjects != 22 {
			err = fmt.Errorf("%d subjects", status.Subjects)
		}
		if err == nil && (status.Held == nil || status.Held.Of != 2) {
			t.Fatalf("held %+v", status.Held)
		}
		return err
	})
	d.setConfig(guarded + "snat: {mark: 0x10000}\n")
	d.waitMarks(0, 0x10000)
	d.check(onlyOutside)
	if d.status().Held == nil {
		t.Error("nothing is held any more")
	}
}

// The operator's word for external SNAT is not held, unless it would let something else
// through that is.
func TestGuardExternal(t *testing.T) {
	d := guardedDaemon(t)
	const external = "snat: {external: true}\n"
	d.setConfig(guarded + external)
	d.waitAction(lab.PodA, lab.Internet, "exclude")
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
	d.setConfig(guarded)
	d.waitAction(lab.PodA, lab.Internet, "translate")
	d.check(onlyOutside)

	d.write("facts.yaml", wider(t, baseFacts))
	d.held("vpc")
	d.setConfig(guarded + external)
	d.held("vpc, snat.external")
	d.check(onlyOutside)
	d.succeed("approve")
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
}

// Nothing is held at a start, unless it was before: a restart is no approval.
func TestGuardRestart(t *testing.T) {
	d := guardedDaemon(t)
	d.stop(syscall.SIGTERM)
	d.write("facts.yaml", wider(t, baseFacts))
	d.run()
	d.waitReady()
	d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.PodA)

	d.write("facts.yaml", baseFacts)
	held := d.held("vpc")
	d.waitFile("record.yaml.held", held.Ruleset)
	ruleset := d.status().Ruleset
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Kill} {
		d.stop(signal)
		d.run()
		d.waitNotReady("waiting for approval")
		if again := d.held("vpc"); again.Ruleset != held.Ruleset || !again.Since.Equal(held.Since) {
			t.Errorf("held %+v, then %+v", held, again)
		}
		d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
		d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.NodePrimary)
	}
	if plan := d.planned(true); plan.Before != ruleset || plan.After != held.Ruleset || plan.Held == nil {
		t.Errorf("plan from %s, which is %s: %+v", plan.Before, ruleset, plan.Held)
	}
	d.succeed("approve", held.Ruleset)
	d.check(onlyOutside)
	d.wait("the note to go", func() error {
		if _, err := os.Stat(d.path("record.yaml.held")); !errors.Is(err, os.ErrNotExist) {
			return errors.Join(errors.New("it is there"), err)
		}
		return nil
	})
	d.stop(syscall.SIGTERM)
	d.write("facts.yaml", wider(t, baseFacts))
	d.run()
	d.waitReady()
	d.see(d.lab.PodA, lab.TCP, lab.Peered, lab.PodA)
}

// What others break is put right while a change is held, as it was before that.
func TestGuardHeals(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	d := prepare(t)
	d.setConfig("network: {protect: off, primaryInterface: eth0}\nguard: {maxChange: {pods: 30%}}\n")
	d.run()
	d.waitReady()
	d.write("facts.yaml", wider(t, baseFacts))
	d.held("vpc")
	if err := d.damage("delete", "table", "ip", "snatd"); err != nil {
		t.Fatal(err)
	}
	d.wait("a repair", func() error {
		if d.status().Repairs == 0 {
			return errors.New("none")
		}
		return nil
	})
	d.check(onlyOutside)
	if d.status().Held == nil {
		t.Error("nothing is held any more")
	}
}

// A plan says what the guard would do, and touches nothing.
func TestPlanWouldBeHeld(t *testing.T) {
	d := guardedDaemon(t)
	d.write("new.yaml", wider(t, baseFacts))
	out, _, err := d.output(nil, "plan", "--facts", d.path("new.yaml"))
	if exitCode(err) != 2 || !strings.Contains(out, "\nwould be held until snatd approve: ruleset ") {
		t.Errorf("%v: %s", err, out)
	}
	out, _, err = d.output(nil, "plan", "--facts", d.path("new.yaml"), "--against", d.path("facts.yaml"), "-o", "json")
	var plan engine.Plan
	if exitCode(err) != 2 || json.Unmarshal([]byte(out), &plan) != nil || plan.Held == nil || plan.Held.Of != 3 {
		t.Errorf("%v: %s", err, out)
	}
	if d.status().Held != nil {
		t.Error("the daemon holds something")
	}
}

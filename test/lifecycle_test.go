package test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

func (d *daemon) endpoint(addr netip.Addr) netip.AddrPort { return netip.AddrPortFrom(addr, lab.Port) }

// replace replaces text that must be there.
func replace(t *testing.T, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q does not contain %q", text, old)
	}
	return strings.Replace(text, old, new, 1)
}

// Stopping, killing and starting again changes nothing for packets, and no
// connection notices. Not even a rule is made anew.
func TestRestart(t *testing.T) {
	nstest.Need(t, "nft", "nftables")
	d := start(t)
	open := d.openAll()
	// The first line of a table says who owns it.
	owner := regexp.MustCompile(`(?m)^table ip snatd \{.*$|^\tflags owner.*$`)
	before := owner.ReplaceAllString(d.listing(), "")
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt, os.Kill} {
		d.stop(signal)
		d.check(onlyOutside)
		d.run()
		d.waitReady()
		d.check(onlyOutside)
		for _, conn := range open {
			conn.check(t)
		}
		if diff := cmp.Diff(before, owner.ReplaceAllString(d.listing(), "")); diff != "" {
			t.Errorf("%s and a start changed the rules: %s", signal, diff)
		}
	}
}

// Whoever flushes the ruleset while the daemon is down flushes its table too, protected as
// it was; the next start makes it again.
func TestFlushWhileDown(t *testing.T) {
	d := start(t)
	d.stop(syscall.SIGTERM)
	if held := d.kernel(); !held.table {
		t.Error("the daemon's end removed the table")
	}
	if err := d.damage("flush", "ruleset"); err != nil {
		t.Fatal(err)
	}
	if held := d.kernel(); held.table {
		t.Error("the table is protected without a daemon: README says that it is not")
	}
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
	d.run()
	d.waitReady()
	d.check(onlyOutside)
}

// Cleanup breaks no translated connection; once none is left, all is gone.
func TestCleanup(t *testing.T) {
	d := start(t)
	if _, stderr, err := d.output(nil, "cleanup"); err == nil || !strings.Contains(stderr, "stop it first") {
		t.Errorf("cleanup beside a running daemon: %v, %s", err, stderr)
	}
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.stop(syscall.SIGTERM)
	d.setConfig(baseConfig + "snat: {mark: 0x100}\n") // not what is in the kernel
	d.cleanupTwice(conn)
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("after cleanup the kernel holds %+v", held)
	}
	if out, _, err := d.output(nil, "cleanup"); err != nil || strings.TrimSpace(out) != "nothing to remove" {
		t.Errorf("a second cleanup: %v, %s", err, out)
	}
}

// cleanupTwice cleans up beside the one connection that lives, and when it has ended.
func (d *daemon) cleanupTwice(conn *openConn) {
	d.t.Helper()
	out, stderr, err := d.output(nil, "cleanup")
	if err != nil || !strings.Contains(out, "1 live connections keep what they need") {
		d.t.Fatalf("cleanup with a live connection: %v, %s%s", err, out, stderr)
	}
	conn.check(d.t)
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
	conn.check(d.t)

	conn.Close()
	eventually(d.t, "the connections to end and cleanup to remove all", func() error {
		out, stderr, err := d.output(nil, "cleanup")
		if err != nil || strings.TrimSpace(out) != "removed" {
			return fmt.Errorf("%w, %s%s", err, out, stderr)
		}
		return nil
	})
}

// What cleanup leaves for live connections decides nothing, so that a start after it waits
// for facts no longer than one without rules.
func TestCleanupIsNoEarlierRun(t *testing.T) {
	d := start(t)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.stop(syscall.SIGTERM)
	d.succeed("cleanup")
	if err := os.Remove(d.path("record.yaml")); err != nil {
		t.Fatal(err)
	}
	d.write("facts.yaml", "node: {name: [}\n")
	d.run()
	d.waitNotReady("the VPC's CIDRs")
	conn.check(t)
	d.write("facts.yaml", baseFacts)
	d.waitReady()
	d.check(onlyOutside)
	conn.check(t)
}

// Cleanup that waits removes all when the last translated connection has ended, and is
// not in its way.
func TestCleanupWaits(t *testing.T) {
	d := start(t)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.stop(syscall.SIGTERM)
	d.cleanupWaits(conn)
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("after cleanup the kernel holds %+v", held)
	}
}

// cleanupWaits has cleanup wait for the end of the one connection that lives.
func (d *daemon) cleanupWaits(conn *openConn) {
	d.t.Helper()
	command := d.command(nil, "cleanup", "--wait")
	var out logBuffer
	command.Stdout = &out
	process, err := d.lab.Node.Start(command)
	if err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, "cleanup to wait", func() error {
		if text := out.String(); text != "nothing new is translated; waiting for 1 live connections to end\n" {
			return errors.New(text)
		}
		return nil
	})
	conn.check(d.t)
	conn.Close()
	if err := process.Wait(); err != nil || !strings.HasSuffix(out.String(), "\nremoved\n") {
		d.t.Errorf("%s%v", out.String(), err)
	}
}

// Cleanup by force breaks connections where the AWS plugin does not translate, and says so.
func TestCleanupByForce(t *testing.T) {
	d := start(t)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.stop(syscall.SIGTERM)
	d.forced("removed\n", "snatd: the AWS VPC CNI plugin does not translate here: live connections that needed what is removed break\n")
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("after cleanup the kernel holds %+v", held)
	}
	if _, err := conn.Ask(t.Context()); err == nil {
		t.Error("the connection lives on, so that the warning is not true")
	}
	d.forced("nothing to remove\n", "")
}

// A daemon that is started while cleanup waits is not kept from it, and ends the waiting.
func TestCleanupGivesWay(t *testing.T) {
	d := start(t)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.stop(syscall.SIGTERM)
	command := d.command(nil, "cleanup", "--wait")
	var out, failed logBuffer
	command.Stdout, command.Stderr = &out, &failed
	process, err := d.lab.Node.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "cleanup to wait", func() error {
		if text := out.String(); !strings.Contains(text, "waiting for 1 live") {
			return errors.New(text)
		}
		return nil
	})
	d.run()
	d.waitReady()
	if err := process.Wait(); err == nil || !strings.Contains(failed.String(), "stop it first") {
		t.Errorf("%v: %s%s", err, out.String(), failed.String())
	}
	d.check(onlyOutside)
	conn.check(t)
}

// Cleanup finds live connections also where somebody removed the routing rule,
// and puts it back for them.
func TestCleanupWithoutRule(t *testing.T) {
	d := start(t)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.stop(syscall.SIGTERM)
	d.ip("rule", "del", "priority", "1025")
	if out, stderr, err := d.output(nil, "cleanup"); err != nil || !strings.Contains(out, "1 live connections") {
		t.Errorf("cleanup: %v, %s%s", err, out, stderr)
	}
	conn.check(t)
}

// Cleanup works whatever the configuration says by now.
func TestCleanupWithBadConfiguration(t *testing.T) {
	d := start(t)
	d.stop(syscall.SIGTERM)
	d.setConfig("snat: [")
	out, stderr, err := d.output(nil, "cleanup")
	if err != nil || strings.TrimSpace(out) != "removed" || !strings.Contains(stderr, "going on with the defaults") {
		t.Errorf("cleanup: %v, %s%s", err, out, stderr)
	}
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("the kernel holds %+v", held)
	}
}

// A connection keeps the mark that it was translated with, and its route, when
// the mark is changed, also over a restart.
func TestMarkChange(t *testing.T) {
	d := start(t)
	open := d.openAll()
	d.setConfig(baseConfig + "snat: {mark: 0x10000}\n")
	d.wait("the other mark", func() error {
		marks, err := d.marks()
		if err == nil && !slices.Contains(marks, 0x10000) {
			err = fmt.Errorf("routing rules for marks %#x", marks)
		}
		return err
	})
	again := d.openAll()
	d.stop(os.Kill)
	d.run()
	d.waitReady()
	d.check(onlyOutside)
	for _, conn := range append(open, again...) {
		conn.check(t)
	}
}

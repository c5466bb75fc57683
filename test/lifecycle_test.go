package test

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/lab"
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
// connection notices.
func TestRestart(t *testing.T) {
	d := start(t)
	open := d.openAll()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt, os.Kill} {
		d.stop(signal)
		d.check(onlyOutside)
		d.run()
		d.waitReady()
		d.check(onlyOutside)
		for _, conn := range open {
			conn.check(t)
		}
	}
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

	out, stderr, err := d.output(nil, "cleanup")
	if err != nil || !strings.Contains(out, "live translated connections keep what they need") {
		t.Fatalf("cleanup with a live connection: %v, %s%s", err, out, stderr)
	}
	conn.check(t)
	d.see(d.lab.PodA, lab.TCP, lab.Internet, lab.PodA)
	conn.check(t)

	conn.Close()
	eventually(t, "the connections to end and cleanup to remove all", func() error {
		out, stderr, err := d.output(nil, "cleanup")
		if err != nil || strings.TrimSpace(out) != "removed" {
			return fmt.Errorf("%w, %s%s", err, out, stderr)
		}
		return nil
	})
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("after cleanup the kernel holds %+v", held)
	}
	if out, _, err := d.output(nil, "cleanup"); err != nil || strings.TrimSpace(out) != "nothing to remove" {
		t.Errorf("a second cleanup: %v, %s", err, out)
	}
}

// Cleanup finds live connections also where somebody removed the routing rule,
// and puts it back for them.
func TestCleanupWithoutRule(t *testing.T) {
	d := start(t)
	conn := d.open(d.lab.PodB, lab.TCP, lab.Internet)
	d.stop(syscall.SIGTERM)
	d.ip("rule", "del", "priority", "1025")
	if out, stderr, err := d.output(nil, "cleanup"); err != nil || !strings.Contains(out, "1 live translated connections") {
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

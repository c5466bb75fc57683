package test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
)

// The record of a run that cannot be written is told until it can, and costs
// nothing else.
func TestRecordReadOnly(t *testing.T) {
	d := prepare(t)
	state := d.path("state")
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("state", state, "tmpfs", unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(state, 0); err != nil {
			t.Error(err)
		}
	})
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("config.yaml", replace(t, string(config), d.path("record.yaml"), state+"/record.yaml"))
	d.run()
	d.waitReady()
	const problem = "facts.record: open "
	d.waitProblem("read-only file system")
	d.check(onlyOutside)
	for i := range 20 {
		d.write("facts.yaml", baseFacts+fmt.Sprintf("- {namespace: default, name: late, ip: 10.0.1.%d}\n", 100+i))
		d.wait("the pod", func() error {
			_, err := d.client.Explain(t.Context(), "default/late", lab.Internet.String())
			return err
		})
		if s := d.status(); len(s.Problems) != 1 || !strings.HasPrefix(s.Problems[0].String(), problem) {
			t.Errorf("after pass %d: problems %v", i, s.Problems)
		}
	}
	if log := d.log.String(); strings.Count(log, "source=facts.record") != 1 {
		t.Error("the log does not say it once")
	}
	if err := unix.Mount("", state, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	d.wait("the record to be written", func() error {
		_, err := os.Stat(state + "/record.yaml")
		if s := d.status(); err == nil && len(s.Problems) > 0 {
			err = fmt.Errorf("problems %v", s.Problems)
		}
		return err
	})
	d.stop(syscall.SIGTERM)
}

// A start over the rules of an earlier run begins with what that one knew, unless
// it is another node's.
func TestRecordOfAnotherNode(t *testing.T) {
	d, imds, _ := withIMDS(t)
	config, err := os.ReadFile(d.path("config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	d.write("config.yaml", replace(t, string(config), `record: ""`, "record: "+d.path("record.yaml")))
	d.runWithIMDS(imds)
	d.waitReady()
	d.waitFile("record.yaml", "100.64.0.0/16")
	d.check(onlyOutside)

	d.stop(syscall.SIGTERM)
	imds.Refuse()
	d.runWithIMDS(imds)
	d.waitReady()
	d.check(onlyOutside)

	d.stop(syscall.SIGTERM)
	record, err := os.ReadFile(d.path("record.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other := replace(t, string(record), "primaryAddress: 10.0.0.10", "primaryAddress: 10.0.0.99")
	d.write("record.yaml", replace(t, other, "100.64.0.0/16", "172.31.0.0/16"))
	d.runWithIMDS(imds)
	const waiting = "the metadata service; the rules of an earlier run stay in force"
	d.wait("the daemon to wait", func() error {
		status, err := d.client.Status(t.Context())
		if err == nil && (status.Ready || !strings.Contains(status.Waiting, waiting)) {
			err = fmt.Errorf("ready is %v, waiting %q", status.Ready, status.Waiting)
		}
		return err
	})
	d.check(onlyOutside)
	if log := d.log.String(); strings.Count(log, "facts.record is of another node and is not used") != 1 {
		t.Error("the log does not say it once")
	}
	imds.Accept()
	d.waitReady()
	d.check(onlyOutside)
	d.waitFile("record.yaml", "primaryAddress: 10.0.0.10")
}

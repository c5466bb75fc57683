package test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/engine"
	past "github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/host/lab"
)

func (d *daemon) history() []past.Entry {
	d.t.Helper()
	entries, err := d.client.History(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return entries
}

// waitHistory waits until the newest change came of something, with this result.
func (d *daemon) waitHistory(because string, result past.Result) (last past.Entry) {
	d.t.Helper()
	d.wait(fmt.Sprintf("a change that is %s because %s", result, because), func() error {
		entries, err := d.client.History(d.t.Context())
		if err != nil || len(entries) == 0 {
			return errors.Join(errors.New("nothing"), err)
		}
		if last = entries[len(entries)-1]; last.Because != because || last.Result != result {
			return fmt.Errorf("the last is %+v", last)
		}
		return nil
	})
	return last
}

// replay plans what was exported, as another machine would: in another network namespace,
// from another directory, and without a daemon.
func (d *daemon) replay(dir string) (plan engine.Plan) {
	d.t.Helper()
	elsewhere := d.path("elsewhere")
	if err := os.CopyFS(elsewhere, os.DirFS(dir)); err != nil {
		d.t.Fatal(err)
	}
	defer os.RemoveAll(elsewhere)
	command := exec.Command(binary(d.t), "plan", "--config", "config.yaml", "--socket", d.path("nobody.sock"), "-o", "json")
	command.Dir = elsewhere
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if exitCode(err) != 2 {
		d.t.Fatalf("%v: %s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		d.t.Fatal(err)
	}
	return plan
}

// Each change is told with what it follows from, and what was known then.
func TestHistory(t *testing.T) {
	d := guardedDaemon(t)
	first := d.waitHistory("start", past.Applied)
	if first.Number != 1 || first.Operations == 0 || first.Milliseconds <= 0 || len(first.Modules) != 1 || first.Ruleset != d.status().Ruleset || first.Inexact != "" {
		t.Errorf("%+v", first)
	}
	before := d.succeed("facts")
	d.write("facts.yaml", baseFacts+"- {namespace: default, name: late, ip: 10.0.1.77, labels: {example.com/egress: own-address}}\n")
	d.wait("the pod", func() error {
		_, err := d.client.Explain(t.Context(), "default/late", lab.Internet.String())
		return err
	})
	if n := len(d.history()); n != 1 {
		t.Errorf("%d changes, of which one changed nothing in the kernel", n)
	}
	d.dropInExample("exclude-by-label", "20-label", "config: {label: example.com/egress=own-address, cidrs: 198.51.100.0/24}\n")
	added := d.waitHistory("module 20-label.wasm added", past.Applied)
	if added.Number != 2 || len(added.Modules) != 2 || added.Modules[0].Name != "20-label.wasm" || len(added.Modules[0].SHA256) != 64 || added.Facts == first.Facts {
		t.Errorf("%+v", added)
	}
	d.write("facts.yaml", wider(t, baseFacts))
	// What is in force meanwhile is a change too, of which the pod that is gone is all.
	meanwhile := d.waitHistory("pod default/late removed", past.Applied)
	d.held("vpc, pod default/late removed")
	held := d.history()[2]
	if status := d.status(); held.Result != past.Held || held.Because != "vpc, pod default/late removed" || held.Ruleset != status.Held.Ruleset ||
		held.Operations != 0 || held.Inexact != "" || meanwhile.Ruleset != status.Ruleset || meanwhile.Inexact == "" {
		t.Errorf("%+v, then %+v, held %+v", held, meanwhile, status.Held)
	}
	if got := d.succeed("facts", "--at", "1"); got != before {
		t.Errorf("at the first change\n%s\nit was\n%s", got, before)
	}
	if got := d.succeed("facts", "--at", fmt.Sprint(held.Number)); !strings.Contains(got, "172.31.0.0/16") {
		t.Errorf("at the change that is held:\n%s", got)
	}

	text := d.succeed("history")
	for _, want := range []string{"NUMBER  TIME", "applied", first.Ruleset[:12], held.Ruleset[:12], "module 20-label.wasm added", "a change is held, so that who was known"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q:\n%s", want, text)
		}
	}
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"facts", "--at", "99"}, "change 99: it is not kept, accepted: 1 to "},
		{[]string{"history", "export", "0", d.path("x")}, "change 0: it is not kept"},
		{[]string{"history", "export", "x", d.path("x")}, `change "x", accepted: a number`},
		{[]string{"history", "export", "1", d.dir}, "file exists"},
		{[]string{"history", "export", "1"}, "accepts 2 arg(s)"},
	} {
		if _, stderr, err := d.output(nil, c.arguments...); exitCode(err) != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: %v, %s, want %s", c.arguments, err, stderr, c.want)
		}
	}
}

// What decided at any change decides the same again, byte for byte, on another machine.
func TestReplay(t *testing.T) {
	d := prepare(t)
	d.setConfig("network: {primaryInterface: eth0, nodePorts: true}\nsnat: {mark: 0x100, excludeCIDRs: [192.0.2.0/24]}\n")
	d.write("facts.yaml", baseFacts+"- {namespace: default, name: late, ip: 10.0.1.77, labels: {example.com/egress: own-address, \"no\": \"1e3\"}}\n")
	d.run()
	d.waitReady()
	d.waitLoaded()
	d.dropInExample("exclude-by-label", "20-label", "config: {label: example.com/egress=own-address, cidrs: 198.51.100.0/24}\n")
	d.waitHistory("module 20-label.wasm added", past.Applied)
	wasm, err := os.ReadFile("../examples/built/exclude-cidrs.wasm")
	if err != nil {
		t.Fatal(err)
	}
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write(wasm); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	d.write("policies.d/10-peering.yaml", "config: {cidrs: 172.31.0.0/16, why: \"yes: peered\"}\ngrants: {sources: [10.0.0.11]}\n")
	d.write("policies.d/10-peering.wasm.gz", compressed.String())
	d.waitHistory("module 10-peering.wasm.gz added", past.Applied)
	entries := d.history()
	for _, e := range entries {
		d.succeed("history", "export", fmt.Sprint(e.Number), d.path(fmt.Sprint("change-", e.Number)))
	}
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	held, err := d.client.Ruleset(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.stop(syscall.SIGTERM)
	for _, name := range []string{"policies.d", "facts.yaml", "config.yaml", "record.yaml"} {
		if err := os.RemoveAll(d.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		if plan := d.replay(d.path(fmt.Sprint("change-", e.Number))); plan.After != e.Ruleset || plan.Ruleset.Digest() != e.Ruleset {
			t.Errorf("change %d: %s, replayed %s", e.Number, e.Ruleset, plan.After)
		}
	}
	if len(entries) != 3 || held.Digest() != entries[2].Ruleset || entries[0].Ruleset == entries[1].Ruleset || entries[1].Ruleset == entries[2].Ruleset {
		t.Errorf("%d changes; the kernel held %s, %+v", len(entries), held.Digest(), entries)
	}
}

// On disk changes outlive the daemon, each as a directory that replays by itself, and so do
// modules that are gone.
func TestHistoryOnDisk(t *testing.T) {
	d := prepare(t)
	d.setConfig(baseConfig + "history: {directory: " + d.path("history") + "}\n")
	d.run()
	d.waitReady()
	d.waitLoaded()
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
	added := d.waitHistory("module 10-peering.wasm added", past.Applied)
	d.dropIn("10-peering", "config: {cidrs: 198.51.100.0/24, why: other}\n")
	changed := d.waitHistory("module 10-peering.wasm changed", past.Applied)
	d.removeDropIn("10-peering")
	d.waitHistory("module 10-peering.wasm removed", past.Applied)
	d.wait("all to be on disk", func() error {
		_, err := os.Stat(filepath.Join(d.path("history"), "4", "facts.yaml"))
		return err
	})
	before := d.history()
	d.stop(os.Kill)
	d.run()
	d.waitReady()
	after := d.waitHistory("start", past.Applied)
	if now := d.history(); len(now) != 5 || after.Number != 5 || now[1].Ruleset != before[1].Ruleset || now[1].Facts != before[1].Facts || after.Operations != 0 {
		t.Errorf("before %+v\nafter %+v", before, now)
	}
	d.succeed("history", "export", fmt.Sprint(added.Number), d.path("exported"))
	for from, e := range map[string]past.Entry{d.path("exported"): added, filepath.Join(d.path("history"), fmt.Sprint(changed.Number)): changed} {
		if plan := d.replay(from); plan.After != e.Ruleset {
			t.Errorf("%s: %s, replayed %s", from, e.Ruleset, plan.After)
		}
	}
	one, err := os.Stat(filepath.Join(d.path("history"), fmt.Sprint(added.Number), "policies.d", "10-peering.wasm"))
	other, err2 := os.Stat(filepath.Join(d.path("history"), fmt.Sprint(changed.Number), "policies.d", "10-peering.wasm"))
	if err != nil || err2 != nil || !os.SameFile(one, other) {
		t.Errorf("the module is there twice: %v, %v", err, err2)
	}
}

// A directory that cannot be written is told, and costs nothing else.
func TestHistoryUnwritable(t *testing.T) {
	d := prepare(t)
	d.write("file", "")
	d.setConfig(baseConfig + "history: {directory: " + d.path("file") + "/history}\n")
	d.run()
	d.waitReady()
	d.check(onlyOutside)
	d.write("facts.yaml", wider(t, baseFacts))
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.waitProblem("history.directory: ")
	d.waitHistory("vpc", past.Applied)
}

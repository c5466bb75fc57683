package test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
)

// Plan shows what the daemon then does, and touches nothing.
func TestPlan(t *testing.T) {
	d := prepare(t)
	text := d.plan(true, "-o", "nft")
	for _, want := range []string{"table ip snatd {", "10.0.0.0/16 : continue", "snat to 10.0.0.10 fully-random", "priority dstnat + 10"} {
		if !strings.Contains(text, want) {
			t.Errorf("plan -o nft lacks %q:\n%s", want, text)
		}
	}
	ruleset := d.planned(true).Ruleset
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("planning left %+v in the kernel", held)
	}
	if diff := d.plan(true, "-o", "diff"); !strings.Contains(diff, "no snatd answers") || !strings.Contains(diff, "add table ip snatd") {
		t.Errorf("plan -o diff without a daemon:\n%s", diff)
	}

	// A plan is made of the files as they are.
	d.write("policies.d/10-broken.wasm", "this is not wasm")
	if _, stderr, err := d.output(nil, "plan"); exitCode(err) != 2 || !strings.Contains(stderr, "module 10-broken.wasm: load: not WebAssembly") {
		t.Errorf("plan with a broken module: %v\n%s", err, stderr)
	}
	if err := os.Remove(d.path("policies.d/10-broken.wasm")); err != nil {
		t.Fatal(err)
	}

	d.run()
	d.waitReady()
	status := d.status()
	if status.Ruleset != ruleset.Digest() {
		t.Errorf("planned %s, installed %s", ruleset.Digest(), status.Ruleset)
	}
	if diff := d.plan(false, "-o", "diff"); diff != "# nothing would change\n" {
		t.Errorf("plan -o diff with the same files:\n%s", diff)
	}

	// What another facts file would change, before it is put in force.
	d.write("other.yaml", replace(t, baseFacts, "100.64.0.0/16", "100.64.0.0/16, 172.31.0.0/16"))
	diff := d.plan(true, "-o", "diff", "--facts", d.path("other.yaml"))
	want := "add element ip snatd " + status.Classes[0] + " { 172.31.0.0/16 : continue }\n"
	if diff != want {
		t.Errorf("plan -o diff with a VPC CIDR more:\n%swant:\n%s", diff, want)
	}
	text = d.plan(true, "--facts", d.path("other.yaml"))
	for _, want := range []string{"would change: 3 subjects, 1 objects", "node and 2 more, changed: 65536 addresses",
		"172.31.0.0-172.31.255.255: translate to 10.0.0.10 by default -> exclude by default (vpc cidr)", "  " + want} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
	// The same against what another set of facts comes to, without a daemon.
	against := d.planned(true, "--facts", d.path("other.yaml"), "--against", d.path("facts.yaml"), "--socket", d.path("none.sock"))
	if len(against.Decisions) != 3 || len(against.Objects) != 1 || against.Before != status.Ruleset || against.Connections != nil {
		t.Errorf("against facts: %+v", against)
	}
	d.plan(false, "--against", d.path("facts.yaml"))
	if _, stderr, err := d.output(nil, "plan", "--against", d.path("nothing.yaml")); exitCode(err) != 1 || !strings.Contains(stderr, "nothing.yaml") {
		t.Errorf("against no facts: %v, %s", err, stderr)
	}
	if after := d.status(); after.Changes != status.Changes {
		t.Error("planning changed the kernel")
	}
}

// In an IPv6 cluster a plan is that nothing is installed.
func TestPlanIPv6(t *testing.T) {
	d := prepare(t)
	d.setConfig("network: {ipFamily: ipv6}\n")
	if text := d.plan(false, "-o", "nft"); !strings.Contains(text, "nothing is installed") {
		t.Errorf("plan in an IPv6 cluster: %s", text)
	}
}

func TestStatus(t *testing.T) {
	d := start(t)
	d.waitLoaded()
	text := d.succeed("status")
	for _, want := range []string{"ready", "primary: 10.0.0.10 on eth0", "module: default active", "wasm: compiler"} {
		if !strings.Contains(text, want) {
			t.Errorf("status lacks %q:\n%s", want, text)
		}
	}
	var status api.Status
	if err := json.Unmarshal([]byte(d.succeed("status", "-o", "json")), &status); err != nil {
		t.Fatal(err)
	}
	d.stop(syscall.SIGTERM)
	if _, stderr, err := d.output(nil, "status"); err == nil || !strings.Contains(stderr, "no snatd answers at "+d.path("snatd.sock")) {
		t.Errorf("status without a daemon: %v, %s", err, stderr)
	}
}

// Two daemons on one node would fight, whatever sockets they have.
func TestSecondDaemon(t *testing.T) {
	d := start(t)
	_, stderr, err := d.output(nil, "run", "--socket", d.path("other.sock"))
	if line := strings.TrimSpace(stderr); err == nil || !strings.Contains(line, "a snatd is running") || strings.Contains(line, "\n") {
		t.Errorf("a second daemon: %v, %s", err, stderr)
	}
	d.check(onlyOutside)
}

// Every command has help with an example.
func TestHelp(t *testing.T) {
	for _, name := range []string{"run", "plan", "explain", "status", "facts", "flows", "policy", "demo", "cleanup"} {
		out, err := exec.Command(binary(t), name, "--help").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Examples:\n  snatd "+name) {
			t.Errorf("snatd %s --help: %v\n%s", name, err, out)
		}
	}
}

// What the daemon decides from is its own: commands that ask it have no flags for that.
func TestAskingFlags(t *testing.T) {
	for _, name := range []string{"status", "facts", "flows"} {
		for _, flag := range []string{"--facts", "--policies"} {
			out, err := exec.Command(binary(t), name, flag, "x").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "unknown flag: "+flag) {
				t.Errorf("snatd %s %s: %v\n%s", name, flag, err, out)
			}
		}
	}
}

// succeed runs snatd on the node and returns its output.
func (d *daemon) succeed(arguments ...string) string {
	d.t.Helper()
	out, stderr, err := d.output(nil, arguments...)
	if err != nil {
		d.t.Fatalf("snatd %s: %v\n%s", strings.Join(arguments, " "), err, stderr)
	}
	return out
}

// exitCode is that of a process that has ended.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return failed.ExitCode()
	}
	return -1
}

// plan runs snatd plan on the node, whose exit code must say whether something would
// change, and returns its output.
func (d *daemon) plan(change bool, arguments ...string) string {
	d.t.Helper()
	out, stderr, err := d.output(nil, append([]string{"plan"}, arguments...)...)
	if want := map[bool]int{false: 0, true: 2}[change]; exitCode(err) != want {
		d.t.Fatalf("snatd plan %s: exit code %d, want %d\n%s%s", strings.Join(arguments, " "), exitCode(err), want, out, stderr)
	}
	return out
}

// planned is the plan as data.
func (d *daemon) planned(change bool, arguments ...string) (p engine.Plan) {
	d.t.Helper()
	out := d.plan(change, append(arguments, "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &p); err != nil || p.Change != change {
		d.t.Fatalf("%v, change is %v\n%s", err, p.Change, out)
	}
	return p
}

package test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
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
	diff, stderr, err := d.output(nil, "plan", "-o", "diff")
	if exitCode(err) != 2 || !strings.Contains(stderr, "no snatd answers") || !strings.HasPrefix(diff, "add table ip snatd") {
		t.Errorf("plan -o diff without a daemon: %v\n%s%s", err, stderr, diff)
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
	diff = d.plan(true, "-o", "diff", "--facts", d.path("other.yaml"))
	want := "add element ip snatd " + status.Classes[0] + " { 172.31.0.0/16 : continue }\n"
	if diff != want {
		t.Errorf("plan -o diff with a VPC CIDR more:\n%swant:\n%s", diff, want)
	}
	text = d.plan(true, "--facts", d.path("other.yaml"))
	for _, want := range []string{"would change: subjects 3, objects in the kernel 1, live connections 0", "node, default/pod-a 10.0.1.5, default/pod-b 10.0.65.6\n  changed: 65536 addresses (0.00153% of all)",
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
	// Or what another configuration makes of the same facts.
	d.write("old.yaml", "facts: {file: "+d.path("nowhere.yaml")+"}\nsnat: {excludeCIDRs: [172.31.0.0/16]}\n")
	against = d.planned(true, "--facts", d.path("facts.yaml"), "--against-config", d.path("old.yaml"), "--socket", d.path("none.sock"))
	if len(against.Decisions) != 3 || len(against.Decisions[0].Destinations) != 1 || against.After != status.Ruleset {
		t.Errorf("against a configuration: %+v", against)
	} else if c := against.Decisions[0].Destinations[0]; c.Before.Action != "exclude" || c.After.Action != "translate" || c.First != netip.MustParseAddr("172.31.0.0") {
		t.Errorf("against a configuration: %+v", c)
	}
	for want, arguments := range map[string][]string{
		"daemon": {}, "nothing": {"--socket", d.path("none.sock")}, "files": {"--against", d.path("facts.yaml")},
	} {
		if out := d.plan(want == "nothing", append(arguments, "-o", "json")...); !strings.Contains(out, `"against": "`+want+`"`) {
			t.Errorf("against %s: %s", want, out)
		}
	}
	if _, stderr, err := d.output(nil, "plan", "--against", d.path("nothing.yaml")); exitCode(err) != 1 || !strings.Contains(stderr, "nothing.yaml") {
		t.Errorf("against no facts: %v, %s", err, stderr)
	}
	if after := d.status(); after.Changes != status.Changes {
		t.Error("planning changed the kernel")
	}
}

// A plan names the live connections that the change concerns, and what they would be.
func TestPlanConnections(t *testing.T) {
	d := start(t)
	held := d.open(d.lab.PodA, lab.TCP, lab.Internet)
	d.open(d.lab.PodB, lab.TCP, lab.VPC)
	d.write("other.yaml", replace(t, baseFacts, "100.64.0.0/16", "100.64.0.0/16, "+lab.Internet.String()+"/32"))
	c := d.planned(true, "--facts", d.path("other.yaml")).Connections
	if c == nil || c.Total != 1 || len(c.Flows) != 1 || c.Flows[0].Source.Addr() != lab.PodA || c.Flows[0].Destination.Addr() != lab.Internet ||
		c.Flows[0].Seen.Addr() != lab.NodePrimary || c.Flows[0].After != lab.PodA {
		t.Errorf("%+v", c)
	}
	text := d.plan(true, "--facts", d.path("other.yaml"))
	for _, want := range []string{"live connections 1\n", "with snat.onChange keep they go on as they are\n  tcp 10.0.1.5:", ", after the change it would be as 10.0.1.5\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %q:\n%s", want, text)
		}
	}
	held.check(t)
}

// What a daemon holds that has not decided anything is not known: nothing is planned from it.
func TestPlanBeforeTheFirstDecision(t *testing.T) {
	d := prepare(t)
	d.write("facts.yaml", "vpc: {cidrs: [")
	d.run()
	d.waitWaiting("the VPC's CIDRs")
	d.write("good.yaml", baseFacts)
	if out, stderr, err := d.output(nil, "plan", "--facts", d.path("good.yaml")); exitCode(err) != 1 || !strings.Contains(stderr, "nothing is decided yet: ") || out != "" {
		t.Errorf("plan: %v, %s%s", err, out, stderr)
	}
	// What the files say can be explained all the same.
	if e := d.explained("--from", "default/pod-a", "--to", lab.Internet.String(), "--at", "plan", "--facts", d.path("good.yaml")); e.Action != "translate" {
		t.Errorf("explained %+v", e)
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
	for _, name := range []string{"run", "plan", "explain", "approve", "status", "facts", "flows", "history", "policy", "demo", "cleanup"} {
		out, err := exec.Command(binary(t), name, "--help").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Examples:\n  snatd "+name) {
			t.Errorf("snatd %s --help: %v\n%s", name, err, out)
		}
	}
}

// What the daemon decides from is its own: commands that ask it have no flags for that.
func TestAskingFlags(t *testing.T) {
	for _, name := range []string{"status", "facts", "flows", "approve", "history"} {
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

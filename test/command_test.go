package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/rules"
)

// Plan shows what the daemon then does, and touches nothing.
func TestPlan(t *testing.T) {
	d := prepare(t)
	text := d.succeed("plan")
	for _, want := range []string{"table ip snatd {", "10.0.0.0/16 : continue", "snat to 10.0.0.10 fully-random", "priority dstnat + 10"} {
		if !strings.Contains(text, want) {
			t.Errorf("plan -o nft lacks %q:\n%s", want, text)
		}
	}
	var ruleset rules.Ruleset
	if err := json.Unmarshal([]byte(d.succeed("plan", "-o", "json")), &ruleset); err != nil {
		t.Fatal(err)
	}
	if held := d.kernel(); held != (kernel{}) {
		t.Errorf("planning left %+v in the kernel", held)
	}
	if diff := d.succeed("plan", "-o", "diff"); !strings.Contains(diff, "no snatd answers") || !strings.Contains(diff, "add table ip snatd") {
		t.Errorf("plan -o diff without a daemon:\n%s", diff)
	}

	// A plan is made of the files as they are.
	d.write("policies.d/10-broken.wasm", "this is not wasm")
	if _, stderr, err := d.output(nil, "plan"); err != nil || !strings.Contains(stderr, "module 10-broken.wasm: load: not WebAssembly") {
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
	if diff := d.succeed("plan", "-o", "diff"); diff != "# nothing would change\n" {
		t.Errorf("plan -o diff with the same files:\n%s", diff)
	}

	// What another facts file would change, before it is put in force.
	d.write("other.yaml", replace(t, baseFacts, "100.64.0.0/16", "100.64.0.0/16, 172.31.0.0/16"))
	diff := d.succeed("plan", "-o", "diff", "--facts", d.path("other.yaml"))
	want := "add element ip snatd " + status.Classes[0] + " { 172.31.0.0/16 : continue }\n"
	if diff != want {
		t.Errorf("plan -o diff with a VPC CIDR more:\n%swant:\n%s", diff, want)
	}
	if after := d.status(); after.Changes != status.Changes {
		t.Error("planning changed the kernel")
	}
}

// In an IPv6 cluster a plan is that nothing is installed.
func TestPlanIPv6(t *testing.T) {
	d := prepare(t)
	d.setConfig("network: {ipFamily: ipv6}\n")
	if text := d.succeed("plan"); !strings.Contains(text, "nothing is installed") {
		t.Errorf("plan in an IPv6 cluster: %s", text)
	}
}

func TestExplain(t *testing.T) {
	d := start(t)
	d.dropIn("10-peering", "config: {cidrs: 172.31.0.0/16, why: peered VPC}\n")
	d.waitAction(lab.PodA, lab.Peered, "exclude")

	for _, c := range []struct {
		from, to string
		want     engine.Explanation
	}{
		{"default/pod-a", "172.31.0.20", engine.Explanation{Action: "exclude", Source: "10.0.1.5", Module: "10-peering.wasm", Prefix: "172.31.0.0/16", Reason: "peered VPC"}},
		{"10.0.65.6", "198.51.100.20", engine.Explanation{Action: "translate", Source: "10.0.0.10", Module: "default", Prefix: "0.0.0.0/0", Reason: "outside the vpc"}},
		{"10.0.99.99", "100.64.1.1", engine.Explanation{Action: "exclude", Source: "10.0.99.99", Module: "default", Prefix: "100.64.0.0/16", Reason: "vpc cidr"}},
		{"kube-system/host-pod", "198.51.100.20", engine.Explanation{Action: "exclude", Source: "10.0.0.10", Module: "none", Reason: "host-network pod, never translated"}},
		{"10.0.0.10", "198.51.100.20", engine.Explanation{Action: "exclude", Source: "10.0.0.10", Module: "none", Reason: "the node itself, never translated"}},
		{"default/pod-a", "10.0.0.10", engine.Explanation{Action: "exclude", Source: "10.0.1.5", Module: "none", Reason: "the destination is the node itself"}},
	} {
		var got engine.Explanation
		out := d.succeed("explain", "--from", c.from, "--to", c.to, "-o", "json")
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		c.want.From, c.want.To = c.from, c.to
		if c.want.Module != "none" && len(got.Reads) == 0 {
			t.Errorf("%s to %s: no facts read", c.from, c.to)
		}
		got.Reads, got.Class, got.Subject = nil, "", ""
		if got.From != c.want.From || got.Action != c.want.Action || got.Source != c.want.Source ||
			got.Module != c.want.Module || got.Prefix != c.want.Prefix || got.Reason != c.want.Reason {
			t.Errorf("%s to %s:\n got %+v\nwant %+v", c.from, c.to, got, c.want)
		}
	}
	text := d.succeed("explain", "--from", "default/pod-a", "--to", "172.31.0.20")
	for _, want := range []string{"exclude, seen as 10.0.1.5", "10-peering.wasm", "config.cidrs = 172.31.0.0/16"} {
		if !strings.Contains(text, want) {
			t.Errorf("explain lacks %q:\n%s", want, text)
		}
	}
	for from, want := range map[string]string{
		"default/nobody": "no pod", "2001:db8::1": "not an IPv4 address", "": "from",
	} {
		if _, stderr, err := d.output(nil, "explain", "--from", from, "--to", "198.51.100.20"); err == nil || !strings.Contains(stderr, want) {
			t.Errorf("explain --from %q: %v, %s, want %q", from, err, stderr, want)
		}
	}
	if _, stderr, err := d.output(nil, "explain", "--from", "default/pod-a", "--to", "here"); err == nil || !strings.Contains(stderr, "not an IPv4 address") {
		t.Errorf("explain --to here: %v, %s", err, stderr)
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
	for _, name := range []string{"explain", "status", "facts", "flows"} {
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

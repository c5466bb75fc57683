package test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk/abi"
)

// partnersCases are about the desk's module, and right.
const partnersCases = `factsFile: node-a.yaml
cases:
- name: a partner sees the pod's address
  from: default/web-1
  to: 172.31.0.5
  action: exclude
  reason: partner
- {to: 198.51.100.20, action: none}
- {config: {cidrs: 172.31.0.1/16}, fails: has host bits set}
`

// The exit code tells what is expected from what is not, and both from files that are wrong.
func TestPolicyCases(t *testing.T) {
	d := newDesk(t)
	d.write("20-partners_test.yaml", partnersCases)
	out, stderr, code := d.policy("test", patient)
	if code != 0 || stderr != "" || !strings.HasPrefix(out, "20-partners_test.yaml: 20-partners.wasm ") || !strings.HasSuffix(out, "\n3 cases are as expected\n") {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	for _, want := range []string{
		"\n  ok      a partner sees the pod's address\n  ok      from node to 198.51.100.20\n  ok      from node\n",
		"\n  facts read: config.cidrs, config.namespace, config.why\n", "\n  read, in no case: config.namespace\n", "\n  never read: cluster.ip_family, ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
	d.write("wrong_test.yaml", "module: 20-partners.wasm\ncases:\n- {to: 172.31.0.5, action: translate}\n")
	out, stderr, code = d.policy("test", patient, "20-partners_test.yaml", "wrong_test.yaml")
	const failure = `
  failed  from node to 172.31.0.5
          case       wrong_test.yaml:3, from node to 172.31.0.5
          want       translate
          got        exclude by 172.31.0.0/16, because partner
          facts read config.namespace is absent
                     config.cidrs = 172.31.0.0/16
`
	if code != 1 || stderr != "" || !strings.Contains(out, failure) || !strings.HasSuffix(out, "\n1 of 4 cases failed\n") {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	var reports []author.TestReport
	out, _, code = d.policy("test", patient, ".", "-o", "json")
	if err := json.Unmarshal([]byte(out), &reports); err != nil || code != 1 || len(reports) != 2 || reports[0].Failed != 0 || reports[1].Failed != 1 {
		t.Errorf("%v, exit code %d\n%s", err, code, out)
	}
	d.write("wrong_test.yaml", "cases: []\n")
	for arguments, want := range map[string]string{
		"test":               "wrong_test.yaml:1:1: cases: none, accepted: a list of at least one case",
		"test none.yaml":     "stat none.yaml: no such file or directory",
		"test node-a.yaml":   `node-a.yaml:1:1: node: unknown key, accepted: module, sidecar, facts, factsFile, primaryAddress, addresses, external, excludeCIDRs, cases`,
		"test empty -o json": "no file with cases, accepted: FILE, or a folder with FILE_test.yaml",
	} {
		if err := os.MkdirAll(filepath.Join(d.dir, "empty"), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, stderr, code := d.policy(strings.Fields(arguments)...); code != 2 || out != "" || stderr != "snatd: "+want+"\n" {
			t.Errorf("%s: exit code %d\n%s%s", arguments, code, out, stderr)
		}
	}
}

// With --watch the cases are run again when a file is another, also one that was wrong.
func TestPolicyWatch(t *testing.T) {
	d := newDesk(t)
	d.write("20-partners_test.yaml", partnersCases)
	command := exec.Command("./snatd", "policy", "test", patient, "--watch")
	command.Dir = d.dir
	var out logBuffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	seen := 0 // of what it printed
	waitFor := func(want string) {
		t.Helper()
		for late := time.After(time.Minute); ; {
			if text := out.String(); strings.Contains(text[seen:], want) && strings.HasSuffix(text, "waiting for a change\n") {
				seen = len(text)
				return
			}
			select {
			case err := <-ended:
				t.Fatalf("it ended: %v\n%s", err, out.String())
			case <-late:
				t.Fatalf("no %q:\n%s", want, out.String()[seen:])
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	waitFor("3 cases are as expected\n")
	d.write("20-partners.yaml", "config: {cidrs: 172.30.0.0/16}\n")
	waitFor("1 of 3 cases failed\n")
	d.write("20-partners.yaml", "config: {cidrs: [\n")
	waitFor("snatd: 20-partners.yaml:")
	d.write("20-partners.yaml", "config: {cidrs: 172.31.0.0/16, why: partner}\n")
	waitFor("3 cases are as expected\n")
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("interrupted: %v\n%s", err, out.String())
	}
}

// Annotate writes and new makes a folder, by the examples in their help; of test's the one
// that ends.
func TestPolicyMakes(t *testing.T) {
	d := newDesk(t)
	d.write("20-partners_test.yaml", partnersCases)
	if err := os.Chmod(d.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	example := func(name string, more ...string) (out, stderr string, code int) {
		t.Helper()
		line, _, _ := strings.Cut(d.examples(name)[0], " && ")
		arguments, ok := strings.CutPrefix(strings.ReplaceAll(line, "'", ""), "  snatd policy ")
		if !ok {
			t.Errorf("%q is no example of snatd policy", line)
		}
		return d.policy(append(strings.Fields(arguments), more...)...)
	}
	out, stderr, code := example("annotate", "-o", "json")
	var report author.AnnotateReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || report.Metadata.Name != "partners" {
		t.Errorf("annotate: %v, exit code %d\n%s%s", err, code, out, stderr)
	}
	if out, stderr, code = example("test", patient); code != 0 || !strings.Contains(out, "3 cases are as expected\n") {
		t.Errorf("test: exit code %d\n%s%s", code, out, stderr)
	}
	out, _, code = d.policy("check", patient, "20-partners.wasm")
	if code != 0 || !strings.Contains(out, "\nok       metadata  partners 1.2.0, needs snat_v1, may read config.*\n") {
		t.Errorf("check: exit code %d\n%s", code, out)
	}
	out, stderr, code = example("new")
	if code != 0 || out != "made partners; go on with: cd partners && make test, and see README.md there\n" {
		t.Errorf("new: exit code %d\n%s%s", code, out, stderr)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "partners", "src", "lib.rs")); err != nil {
		t.Error(err)
	}
	_, stderr, code = d.policy("new", "--lang", "go", "partners")
	if code != 1 || stderr != "snatd: partners: exists already, accepted: a name of nothing in this folder\n" {
		t.Errorf("new again: exit code %d\n%s", code, stderr)
	}
}

// What a module's author calls it is told by status and explain; what is illegible keeps no
// module from deciding.
func TestModuleMetadata(t *testing.T) {
	d := start(t)
	wasm, err := os.ReadFile("../examples/built/exclude-cidrs.wasm")
	if err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	annotated, err := policy.Annotate(wasm, policy.Metadata{Name: "peering", Version: "1.2.0", Author: "Network", ABI: abi.Module})
	if err != nil {
		t.Fatal(err)
	}
	d.write("policies.d/10-peering.yaml", "config: {cidrs: 172.31.0.0/16}\n")
	d.write("policies.d/10-peering.wasm", string(annotated))
	d.waitAction(lab.PodA, lab.Peered, "exclude")
	d.waitLoaded()
	if m := d.status().Modules[0]; m.Metadata == nil || m.Metadata.Author != "Network" {
		t.Errorf("status %+v", m)
	}
	if text := d.succeed("status"); !strings.Contains(text, " ms, peering 1.2.0\n") {
		t.Errorf("status:\n%s", text)
	}
	if e := d.explained("--from", "default/pod-a", "--to", lab.Peered.String()); e.Name != "peering" || e.Version != "1.2.0" {
		t.Errorf("explained %+v", e)
	}
	if text := d.succeed("explain", "--from", "default/pod-a", "--to", lab.Internet.String()); !strings.Contains(text, ", peering 1.2.0, which says nothing of the destination\n") {
		t.Errorf("explain:\n%s", text)
	}
	d.write("policies.d/10-peering.wasm", string(wasm)+"\x00\x0d\x0csnatd.policy")
	d.wait("the illegible version to decide", func() error {
		status := d.status()
		if m := status.Modules[0]; m.State != "active" || m.Metadata != nil {
			return errors.New(m.State)
		}
		return nil
	})
}

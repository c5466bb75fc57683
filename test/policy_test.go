package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// desk is where an author of modules works, as a plain user and without a daemon.
type desk struct {
	t   *testing.T
	dir string
}

const deskFacts = `node: {name: node-a, zone: eu-west-1a}
vpc: {cidrs: [10.0.0.0/16]}
namespaces: [{name: default}]
pods:
- {namespace: default, name: web-1, ip: 10.0.1.5, labels: {app: web}}
- {namespace: default, name: job-1, ip: 10.0.1.6}
`

// newDesk has a copy of the binary, which that user can reach, the example
// exclude-cidrs with its sidecar, and the facts of a node.
func newDesk(t *testing.T) *desk {
	t.Helper()
	dir, err := os.MkdirTemp(lab.Files, "desk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	d := &desk{t, dir}
	d.copy(binary(t), "snatd", 0o755)
	d.copy("../examples/built/exclude-cidrs.wasm", "20-partners.wasm", 0o644)
	d.write("20-partners.yaml", "config: {cidrs: 172.31.0.0/16, why: partner}\n")
	d.write("node-a.yaml", deskFacts)
	return d
}

func (d *desk) copy(from, to string, mode os.FileMode) {
	d.t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		d.t.Fatalf("%v: run make build first", err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, to), content, mode); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// patient is for commands that must not fail because the machine is busy.
const patient = "--deadline=1m"

// policy runs snatd policy in the desk's directory, which that user cannot write
// to, with nothing in the environment.
func (d *desk) policy(arguments ...string) (out, stderr string, code int) {
	d.t.Helper()
	command := exec.Command("./snatd", append([]string{"policy"}, arguments...)...)
	command.Dir, command.Env = d.dir, []string{}
	if manyUsers(d.t) {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var stdout, errs bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &errs
	err := command.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return stdout.String(), errs.String(), command.ProcessState.ExitCode()
}

// manyUsers says whether this namespace has other users than the one who runs the
// tests. If not, that one is a plain user outside of it.
func manyUsers(t *testing.T) bool {
	t.Helper()
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(users))
	return len(fields) > 3 || fields[2] != "1"
}

// examples are the lines of those in a command's help.
func (d *desk) examples(command string) []string {
	d.t.Helper()
	help, _, code := d.policy(command, "--help")
	_, examples, found := strings.Cut(help, "Examples:\n")
	examples, _, _ = strings.Cut(examples, "\n\n")
	if code != 0 || !found {
		d.t.Fatalf("snatd policy %s --help: exit code %d\n%s", command, code, help)
	}
	return strings.Split(examples, "\n")
}

// The example in each command's help works as it stands there.
func TestPolicyExamples(t *testing.T) {
	d := newDesk(t)
	for command, wants := range map[string][]string{
		"check": {"ok       validate  started and validated in ", "ok       pure      the same again in the opposite order\n"},
		"run":   {"default/web-1, 10.0.1.5\n  exclude     172.31.0.0/16  partner\n", "  facts read  config.namespace is absent\n              config.cidrs = 172.31.0.0/16\n"},
		"bench": {"compile ", "memoised pass", "KIND OF  SUBJECTS"},
	} {
		for i, line := range d.examples(command) {
			arguments, ok := strings.CutPrefix(line, "  snatd policy "+command+" ")
			if !ok {
				t.Errorf("%q is no example of snatd policy %s", line, command)
			}
			out, stderr, code := d.policy(append([]string{command, patient}, strings.Fields(arguments)...)...)
			if code != 0 || stderr != "" {
				t.Errorf("%s: exit code %d\n%s", line, code, stderr)
			}
			for _, want := range wants {
				if i == 0 && !strings.Contains(out, want) {
					t.Errorf("%s: want %q in\n%s", line, want, out)
				}
			}
		}
	}
	help, _, code := d.policy()
	if code != 0 || !strings.Contains(help, "Examples:\n  snatd policy new --lang go partners\n") {
		t.Errorf("snatd policy: exit code %d\n%s", code, help)
	}
}

var exampleSubjects = []string{"node", "default/web-1", "default/web-2", "payments/api-1", "payments/batch-1"}

func TestPolicyJSON(t *testing.T) {
	d := newDesk(t)
	decode := func(into any, arguments ...string) {
		t.Helper()
		out, stderr, code := d.policy(append(arguments, patient, "-o", "json")...)
		if err := json.Unmarshal([]byte(out), into); err != nil || code != 0 || stderr != "" {
			t.Fatalf("%v: %v, exit code %d\n%s%s", arguments, err, code, out, stderr)
		}
	}
	var checked author.CheckReport
	if decode(&checked, "check", "20-partners.wasm"); !checked.OK || len(checked.Checks) != 8 {
		t.Errorf("check: %+v", checked)
	}
	var decided author.RunReport
	decode(&decided, "run", "20-partners.wasm", "--facts", "node-a.yaml", "--subject", "default/job-1")
	if len(decided.Subjects) != 1 || len(decided.Subjects[0].Entries) != 1 || decided.Subjects[0].Entries[0].Prefix.String() != "172.31.0.0/16" {
		t.Errorf("run: %+v", decided)
	}
	// What the operator excludes is in no file of facts.
	d.copy("../plugins/built/default.wasm", "default.wasm", 0o644)
	d.write("default.yaml", "grants: {translate: true}\n")
	decode(&decided, "run", "default.wasm", "--facts", "node-a.yaml", "--subject", "node", "--exclude", "172.31.0.0/16,172.30.0.0/16", "--exclude", "172.29.0.0/16")
	for _, read := range decided.Subjects[0].Reads {
		if read.Key == abi.KeySNATExclude && read.Value != "172.29.0.0/16\x00172.30.0.0/16\x00172.31.0.0/16\x00" {
			t.Errorf("run: read %+v", read)
		}
	}
	if len(decided.Subjects[0].Entries) != 5 {
		t.Errorf("run: %+v", decided)
	}
	// Without a file, on the example that the others use too, and that is said.
	var example author.RunReport
	if decode(&example, "run", "20-partners.wasm"); decided.Example || !example.Example || len(example.Subjects) != len(exampleSubjects) {
		t.Errorf("run: %+v, then %+v", decided, example)
	}
	for i, subject := range example.Subjects {
		if subject.Subject != exampleSubjects[i] {
			t.Errorf("subject %d of the example is %s, want %s", i, subject.Subject, exampleSubjects[i])
		}
	}
	out, stderr, code := d.policy("run", patient, "20-partners.wasm")
	if code != 0 || stderr != "" || !strings.HasPrefix(out, "without --facts, on the example of a node:\n\nnode\n  exclude     172.31.0.0/16  partner\n") {
		t.Errorf("run without facts: exit code %d\n%s%s", code, out, stderr)
	}
	var measured author.BenchReport
	decode(&measured, "bench", "20-partners.wasm", "--duration", "1ms")
	if measured.Evaluations != 1 || len(measured.Kinds) != 1 || measured.Kinds[0].Subjects != measured.Subjects {
		t.Errorf("bench: %+v", measured)
	}
}

// What is wrong with a module shows in a check's lines and in a subject's place,
// and in the exit code.
func TestPolicyFailures(t *testing.T) {
	d := newDesk(t)
	loop := wasmtest.New()
	loop.Func(abi.Decide, wasmtest.Sig(0, 1), wasmtest.Forever(), wasmtest.Const(0))
	d.write("loop.wasm", string(loop.Bytes()))
	out, _, code := d.policy("check", "loop.wasm")
	if code != 1 || !strings.Contains(out, "\nfailed   decide    for node and 2 more: deadline: decide took longer than 50ms\n"+
		"                   to change: end sooner, ") || !strings.HasSuffix(out, "\nskipped  pure\n") {
		t.Errorf("check of a loop: exit code %d\n%s", code, out)
	}
	out, _, code = d.policy("run", "loop.wasm", "--facts", "node-a.yaml", "--deadline", "100ms")
	if code != 1 || strings.Count(out, "\n  failed  deadline: decide took longer than 100ms\n") != 3 {
		t.Errorf("run of a loop: exit code %d\n%s", code, out)
	}
	out, _, code = d.policy("check", "20-partners.wasm", "--sidecar", "empty.yaml")
	if code != 1 || out != "" {
		t.Errorf("check without its sidecar: exit code %d\n%s", code, out)
	}
	d.write("empty.yaml", "")
	out, _, code = d.policy("check", "20-partners.wasm", "--sidecar", "empty.yaml")
	if code != 1 || !strings.Contains(out, "\nfailed   validate  failed: config cidrs: missing or empty, want IPv4 prefixes such as ") {
		t.Errorf("check with an empty sidecar: exit code %d\n%s", code, out)
	}
}

// Bad input has one clear line, with its place.
func TestPolicyBadInput(t *testing.T) {
	d := newDesk(t)
	d.write("text.wasm", "this is not wasm")
	d.write("bad.wasm.gz", "this is not compressed")
	d.write("grants.yaml", "config: {}\ngrants:\n  sources: [here]\n")
	d.write("hash.yaml", "sha256: abc\n")
	d.write("facts.yaml", "vpc:\n  cidrs: [10.0.0.1/16]\n")
	if err := os.Mkdir(filepath.Join(d.dir, "folder.wasm"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ arguments, want string }{
		{"chekc 20-partners.wasm", `policy "chekc" is unknown, accepted: annotate, bench, check, new, pull, push, run, test`},
		{"check", "0 arguments, accepted: one module, FILE.wasm or FILE.wasm.gz"},
		{"check a.wasm b.wasm", "2 arguments, accepted: one module, FILE.wasm or FILE.wasm.gz"},
		{"check none.wasm", "open none.wasm: no such file or directory"},
		{"check folder.wasm", "read folder.wasm: not a regular file"},
		{"check node-a.yaml", "node-a.yaml: the file name gives no format; accepted: FILE.wasm or FILE.wasm.gz"},
		{"check bad.wasm.gz", "bad.wasm.gz: decompress: gzip: invalid header"},
		{"check 20-partners.wasm --sidecar none.yaml", "open none.yaml: no such file or directory"},
		{"check 20-partners.wasm --sidecar=", "--sidecar: empty, accepted: the path of a file"},
		{"check 20-partners.wasm --sidecar grants.yaml", `grants.yaml:3:13: grants.sources[0]: "here" is not an address, accepted: an IP address, such as 10.0.0.10`},
		{"check 20-partners.wasm --sidecar hash.yaml", `hash.yaml:1:9: sha256: "abc" is not a SHA-256; accepted: 64 lower-case hexadecimal digits, or several of these with spaces between`},
		{"check 20-partners.wasm --facts facts.yaml", `facts.yaml:2:11: vpc.cidrs[0]: "10.0.0.1/16" has host bits set, accepted: 10.0.0.0/16`},
		{"check 20-partners.wasm -o yaml", `invalid argument "yaml" for "-o, --output" flag: accepted: text, json`},
		{"run 20-partners.wasm --facts=", "--facts: empty, accepted: the path of a file"},
		{"run 20-partners.wasm --facts folder.wasm", "read folder.wasm: not a regular file"},
		{"run text.wasm --facts node-a.yaml", `module text.wasm: load: not WebAssembly, it begins with "this"; accepted: a core module, which begins with "\x00asm"`},
		{"run 20-partners.wasm --facts node-a.yaml --subject web-1",
			`--subject: "web-1" is not in the facts, accepted: node, default/job-1, default/web-1`},
		{"run 20-partners.wasm --facts node-a.yaml --primary-address ::1",
			`invalid argument "::1" for "--primary-address" flag: accepted: an IPv4 address, such as 10.0.0.10`},
		{"run 20-partners.wasm --facts node-a.yaml --primary-address 10.0.1.5",
			"node-a.yaml:5:41: pods[0].ip: 10.0.1.5 of default/web-1 is the node's primary address, accepted: the pod's own address, or hostNetwork: true"},
		{"run 20-partners.wasm --facts node-a.yaml --exclude 172.31.0.1/16", `--exclude: "172.31.0.1/16" has host bits set, accepted: 172.31.0.0/16`},
		{"run 20-partners.wasm --facts node-a.yaml --deadline 0s", "--deadline: 0s, accepted: more than 0s, such as 50ms"},
		{"run 20-partners.wasm --facts node-a.yaml --memory 1", `--memory: "1" is not an amount of memory, accepted: 4 to 1024, in MiB`},
		{"annotate 20-partners.wasm", "nothing to write, accepted: at least one of --name, --version, --author, --abi, --fact; snatd policy check prints what a module has"},
		{"annotate", "0 arguments, accepted: one module, FILE.wasm"},
		{"annotate text.wasm --name a", `text.wasm: not WebAssembly, it begins with "this"; accepted: a core module, which begins with "\x00asm"`},
		{"annotate 20-partners.wasm --name a --fact pod.labels.a", "--fact: no fact is called pod.labels.a, did you mean pod.label.a?"},
		{"new --lang c", "0 arguments, accepted: one name of a policy, such as partners"},
		{"new partners", `required flag(s) "lang" not set`},
		{"new --lang zig partners", `--lang: "zig" is unknown, accepted: go, rust, assemblyscript, c`},
		{"test --deadline 0s", "--deadline: 0s, accepted: more than 0s, such as 50ms"},
		{"bench text.wasm", `module text.wasm: load: not WebAssembly, it begins with "this"; accepted: a core module, which begins with "\x00asm"`},
		{"bench 20-partners.wasm --duration 0s", "--duration: 0s, accepted: more than 0s, such as 2s"},
	} {
		out, stderr, code := d.policy(strings.Fields(c.arguments)...)
		if code != 1 || out != "" || stderr != "snatd: "+c.want+"\n" {
			t.Errorf("snatd policy %s: exit code %d\ngot  %s%swant snatd: %s", c.arguments, code, out, stderr, c.want)
		}
	}
}

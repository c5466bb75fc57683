package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/sdk/abi"
)

// exampleFacts are such that each example has something to decide, with the settings
// below. Pod-a asks for what it must not have.
const exampleFacts = `
node: {name: node-a, zone: eu-west-1a}
vpc:
  cidrs: [10.0.0.0/16, 100.64.0.0/16]
  prefixLists: [{id: pl-0123456789abcdef0, name: partners, cidrs: [172.31.0.0/16]}]
namespaces:
- {name: default}
- {name: payments, labels: {egress: own-address}}
pods:
- {namespace: default, name: pod-a, ip: 10.0.1.5, annotations: {keep: 0.0.0.0/0}}
- {namespace: payments, name: pod-b, ip: 10.0.65.6, labels: {own-address: please}, annotations: {keep: 172.31.0.0/24}}
- {namespace: kube-system, name: host-pod, ip: 10.0.0.10, hostNetwork: true}
`

// Each example, dropped into a running daemon, does to packets what its page says.
// What egress-address does is in TestEgressAddress.
func TestExamples(t *testing.T) {
	d := prepare(t)
	d.write("facts.yaml", exampleFacts)
	d.run()
	d.waitReady()
	tested := []string{"egress-address"}
	for _, e := range []struct {
		name, sidecar string
		a, b          world  // pod-a's and pod-b's
		log           string // a line of the daemon's
	}{
		{name: "exclude-cidrs", sidecar: "config: {cidrs: 172.31.0.0/16}", a: world{internet: true}, b: world{internet: true}},
		{name: "exclude-by-label", sidecar: "config: {label: own-address, cidrs: 172.31.0.0/16}", a: onlyOutside, b: world{internet: true}},
		{name: "exclude-by-namespace", sidecar: "config: {label: egress, value: own-address, cidrs: 172.31.0.0/16}",
			a: onlyOutside, b: world{internet: true}},
		{name: "exclude-by-annotation", sidecar: "config: {annotation: keep, within: 172.16.0.0/12}", a: onlyOutside, b: world{internet: true},
			log: "annotation keep: 0.0.0.0/0 is not allowed"},
		{name: "exclude-except", sidecar: "config: {cidrs: 128.0.0.0/1, except: 172.31.0.0/16}\ngrants: {translate: true}",
			a: world{peered: true}, b: world{peered: true}},
		{name: "translate-only", sidecar: "config: {cidrs: 172.31.0.0/16}\ngrants: {translate: true}", a: world{peered: true}, b: world{peered: true}},
		{name: "translate-inside", sidecar: "config: {cidrs: 10.0.128.0/24}\ngrants: {translate: true}",
			a: world{vpc: true, peered: true, internet: true}, b: world{vpc: true, peered: true, internet: true}},
		{name: "exclude-by-zone", sidecar: "config: {cidrs.eu-west-1a: 172.31.0.0/16, cidrs.eu-west-1b: 198.51.100.0/24}",
			a: world{internet: true}, b: world{internet: true}},
		{name: "exclude-prefix-list", sidecar: "config: {lists: partners}", a: world{internet: true}, b: world{internet: true}},
		{name: "wat", sidecar: "config: {keep: 128.0.0.0/1, except: 172.31.0.0/16}\ngrants: {translate: true}", a: onlyOutside, b: world{peered: true}},
	} {
		tested = append(tested, e.name)
		t.Log(e.name)
		d.dropInExample(e.name, "20-example", e.sidecar+"\n")
		d.waitWorlds(e.a, e.b)
		if e.log != "" {
			d.waitLog(e.log, "module=20-example")
		}
		if problems := d.status().Problems; len(problems) > 0 {
			t.Errorf("problems %v", problems)
		}
		d.checkEach(e.a, e.b)
		d.removeDropIn("20-example")
		d.waitWorlds(onlyOutside, onlyOutside)
	}
	d.check(onlyOutside)
	for _, name := range exampleNames(t) {
		if !slices.Contains(tested, name) {
			t.Errorf("no packets meet the example %s", name)
		}
	}
}

// What the operator takes back from the pods' annotations ends at once, whatever stands in
// them.
func TestAnnotationWithin(t *testing.T) {
	const wide, narrow = "config: {annotation: keep, within: 172.16.0.0/12}\n", "config: {annotation: keep, within: 172.16.0.0/16}\n"
	kept := world{internet: true}
	d := prepare(t)
	d.write("facts.yaml", exampleFacts)
	d.run()
	d.waitReady()
	d.dropInExample("exclude-by-annotation", "20-example", wide)
	d.waitWorlds(onlyOutside, kept)
	d.checkEach(onlyOutside, kept)
	open := d.open(d.lab.PodB, lab.TCP, lab.Peered)
	for _, wish := range []string{"172.31.0.0/24", "172.31.0.0/24, nonsense", "172.31.0.0/24, " + strings.Repeat("172.31.0.0/24 ", 20)} {
		d.write("facts.yaml", strings.Replace(exampleFacts, "keep: 172.31.0.0/24", "keep: "+strconv.Quote(wish), 1))
		d.write("policies.d/20-example.yaml", wide)
		d.waitWorlds(onlyOutside, kept)
		d.write("policies.d/20-example.yaml", narrow)
		d.waitWorlds(onlyOutside, onlyOutside)
		d.check(onlyOutside)
	}
	d.waitLog(`annotation keep: \"nonsense\" is not an IPv4 prefix`)
	d.write("policies.d/20-example.yaml", wide)
	d.waitWorlds(onlyOutside, kept)
	// So does one that is as long as Kubernetes takes it.
	d.write("facts.yaml", strings.Replace(exampleFacts, "keep: 172.31.0.0/24", "keep: "+strconv.Quote(strings.Repeat("172.31.0.0/24 x ", 1<<14-1)), 1))
	d.waitWorlds(onlyOutside, onlyOutside)
	d.check(onlyOutside)
	if problems := d.status().Problems; len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
	open.check(t)
}

// waitWorlds waits until the daemon decides so for both pods.
func (d *daemon) waitWorlds(a, b world) {
	d.t.Helper()
	for from, translated := range map[netip.Addr]world{lab.PodA: a, lab.PodB: b} {
		for to, translate := range map[netip.Addr]bool{
			lab.VPC: translated.vpc, lab.Second: translated.second, lab.Peered: translated.peered, lab.Internet: translated.internet,
		} {
			action := "exclude"
			if translate {
				action = "translate"
			}
			d.waitAction(from, to, action)
		}
	}
}

// exampleNames are the examples, by their sidecar files.
func exampleNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("../examples/*/20-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		if filepath.Base(file) == "20-"+name+".yaml" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("no sidecar in %v", files)
	}
	return names
}

// The table of all examples has each of them, and so has what make build builds.
func TestExamplesListed(t *testing.T) {
	table, err := os.ReadFile("../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	built, err := filepath.Glob("../examples/built/*.wasm")
	if err != nil {
		t.Fatal(err)
	}
	names := exampleNames(t)
	for _, name := range names {
		if !strings.Contains(string(table), "| ["+name+"]("+name+") |") {
			t.Errorf("%s is not in the table of examples/README.md", name)
		}
		if !slices.Contains(built, "../examples/built/"+name+".wasm") {
			t.Errorf("%s is not built, but %v: run make build", name, built)
		}
	}
	if rows := strings.Count(string(table), "\n| ["); rows != len(names) {
		t.Errorf("the table has %d rows for %d examples", rows, len(names))
	}
}

// exampleCommand runs a command of snatd policy to its end, in an example's folder.
func exampleCommand(t *testing.T, example string, arguments ...string) []byte {
	t.Helper()
	command := exec.Command(binary(t), append([]string{"policy"}, arguments...)...)
	command.Dir = filepath.Join("../examples", example)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if len(out) == 0 {
		t.Fatalf("%s: %v: %s", command, err, &stderr)
	}
	return out
}

// Each example's own sidecar goes with its module.
func TestExamplesPassCheck(t *testing.T) {
	for _, name := range exampleNames(t) {
		var report author.CheckReport
		out := exampleCommand(t, name, "check", "../built/"+name+".wasm", "--sidecar", "20-"+name+".yaml", "-o", "json")
		if err := json.Unmarshal(out, &report); err != nil || !report.OK {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// Each example decides what its cases say, on the real engine.
func TestExampleCases(t *testing.T) {
	for _, name := range exampleNames(t) {
		var reports []author.TestReport
		out := exampleCommand(t, name, "test", "20-"+name+"_test.yaml", "-o", "json")
		if err := json.Unmarshal(out, &reports); err != nil || len(reports) != 1 || len(reports[0].Cases) == 0 || reports[0].Failed > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// The text shows the whole ABI, in 20 lines below a comment.
func TestWATShowsAll(t *testing.T) {
	text, err := os.ReadFile("../examples/wat/policy.wat")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n") - strings.Count("\n"+string(text), "\n;;"); lines > 20 {
		t.Errorf("%d lines", lines)
	}
	wants := []string{`(memory (export "` + abi.Memory + `")`}
	for _, f := range abi.Imports {
		wants = append(wants, fmt.Sprintf("(import %q %q", abi.Module, f.Name), "(call $"+f.Name+" ")
	}
	for _, f := range abi.Exports {
		wants = append(wants, fmt.Sprintf("(func (export %q)", f.Name))
	}
	for _, want := range wants {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %s", want)
		}
	}
}

// The module that is committed is what its text says, assembled by the command that
// its page prints.
func TestWAT(t *testing.T) {
	nstest.Need(t, "wat2wasm", "wabt")
	assembled := filepath.Join(t.TempDir(), "policy.wasm")
	if out, err := exec.Command("wat2wasm", "../examples/wat/policy.wat", "-o", assembled).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(assembled)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../examples/wat/policy.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("policy.wasm has %d bytes and policy.wat makes %d, not the same: run wat2wasm policy.wat in examples/wat", len(want), len(got))
	}
}

package author_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// frozen is a module of the conformance suite: pods say by the label egress, own or node,
// whose address they want to be seen with; any other value is an error.
func frozen(t *testing.T) []byte {
	t.Helper()
	wasm, err := os.ReadFile("../../sdk/tck/frozen/c-sample.wasm")
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

const threePods = `
  vpc: {cidrs: [10.0.0.0/16]}
  pods:
  - {namespace: a, name: own, ip: 10.0.1.5, labels: {egress: own}}
  - {namespace: a, name: node, ip: 10.0.1.6, labels: {egress: node}}
  - {namespace: a, name: bad, ip: 10.0.1.7, labels: {egress: mine}}
`

// withCases are options with a module, its sidecar and a file of cases about it.
func withCases(t *testing.T, wasm []byte, cases string) (file string, o author.Options) {
	t.Helper()
	o = options(t, wasm, "config: {partners: 10.20.0.0/16}\ngrants: {translate: true}\n")
	file = filepath.Join(filepath.Dir(o.Module), "mine_test.yaml")
	write(t, file, cases)
	return file, o
}

func TestCases(t *testing.T) {
	file, o := withCases(t, frozen(t), "facts:"+threePods+`cases:
- name: own keeps
  from: a/own
  to: 10.20.1.2
  action: exclude
  reason: partners
- {from: a/own, to: 1.1.1.1, action: none}
- {to: 1.1.1.1, action: none}
- {from: a/node, to: 1.1.1.1, action: translate, source: 10.0.0.10, reason: hidden}
- {from: a/bad, fails: 'label egress: "mine", want own or node'}
- {config: {partners: 10.20.0.1/16}, fails: 'config partners: "10.20.0.1/16"'}
- from: a/pod
  to: 10.1.0.1
  action: exclude
  config: {partners: 10.1.0.0/16}
  facts: {vpc: {cidrs: [10.0.0.0/16]}, pods: [{namespace: a, name: pod, ip: 10.0.1.9, labels: {egress: own}}]}
- {from: a/node, to: 1.1.1.1, action: translate, source: 10.0.0.11}
- {from: a/node, to: 1.1.1.1, action: translate, reason: other}
- {from: a/own, to: 10.20.1.2, action: none}
- {from: a/bad, to: 1.1.1.1, action: none}
- {from: a/own, fails: bogus}
`)
	report, err := author.Test(t.Context(), file, o)
	if err != nil {
		t.Fatal(err)
	}
	const right = 7
	for i, c := range report.Cases {
		if c.OK != (i < right) {
			t.Errorf("%+v", c)
		}
	}
	if len(report.Cases) != right+5 || report.Failed != 5 || report.Module != o.Module || report.SHA256 != digest(frozen(t)) {
		t.Fatalf("%+v", report)
	}
	if first, second := report.Cases[0], report.Cases[1]; first.Name != "own keeps" || first.Line != 8 || second.Name != "from a/own to 1.1.1.1" || second.Line != 13 {
		t.Errorf("%+v, %+v", first, second)
	}
	for i, want := range []string{
		"want translate to 10.0.0.11, got translate to 10.0.0.10 by 0.0.0.0/0, because hidden",
		"want translate, because other, got translate to 10.0.0.10 by 0.0.0.0/0, because hidden",
		"want none, got exclude by 10.20.0.0/16, because partners",
		`want none, got error failed: label egress: "mine", want own or node`,
		"want error bogus, got none",
	} {
		c := report.Cases[right+i]
		if got := "want " + c.Want.String() + ", got " + c.Got.String(); got != want {
			t.Errorf("case %d: %s; want %s", right+i, got, want)
		}
	}
	want := []string{"pod.label.egress", "config.partners"}
	var read []string
	for _, r := range report.Cases[right+2].Reads {
		read = append(read, r.Key)
	}
	if !reflect.DeepEqual(read, want) {
		t.Errorf("read %v, want %v", read, want)
	}
	if text, err := json.Marshal(report); err != nil || strings.Contains(string(text), "null") {
		t.Errorf("%v, %s", err, text)
	}
}

// A case has its own say about what is in no file of facts, whatever the file of cases says.
func TestSettingsOfCases(t *testing.T) {
	const one, two = "10.1.0.0/16\x00", "10.1.0.0/16\x0010.2.0.0/16\x00"
	for _, c := range []struct {
		fact, top string
		cases     []string
		want      []string
	}{
		{"snat.external", "", []string{"", ", external: true", ", external: false"}, []string{"false", "true", "false"}},
		{"snat.external", "external: false\n", []string{"", ", external: true", ", external: false"}, []string{"false", "true", "false"}},
		{"snat.external", "external: true\n", []string{"", ", external: true", ", external: false"}, []string{"true", "true", "false"}},
		{"snat.exclude", "", []string{"", ", excludeCIDRs: [10.2.0.0/16, 10.1.0.0/16]"}, []string{"", two}},
		{"snat.exclude", "excludeCIDRs: [10.1.0.0/16]\n", []string{"", ", excludeCIDRs: [10.2.0.0/16, 10.1.0.0/16]", ", excludeCIDRs: []"}, []string{one, two, ""}},
	} {
		text := c.top + "cases:\n"
		for _, settings := range c.cases {
			text += "- {to: 1.1.1.1, action: none" + settings + "}\n"
		}
		g := newGuest()
		file, o := withCases(t, g.decide(g.absent(c.fact), wasmtest.Drop), text)
		report, err := author.Test(t.Context(), file, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, result := range report.Cases {
			if len(result.Reads) != 1 || result.Reads[0].Value != c.want[i] {
				t.Errorf("%s, case %d: read %v, want %q", text, i, result.Reads, c.want[i])
			}
		}
	}
}

// What the cases do not show of a module is told.
func TestCoverage(t *testing.T) {
	wasm, err := policy.Annotate(frozen(t), policy.Metadata{Name: "sample", ABI: abi.Module, Facts: []string{"config.*", "pod.label.*", "vpc.*"}})
	if err != nil {
		t.Fatal(err)
	}
	file, o := withCases(t, wasm, "factsFile: facts.yaml\ncases:\n- {from: a/b, to: 1.1.1.1, action: none}\n- {config: {partners: 10.0.0.1/8}, fails: config}\n")
	write(t, filepath.Join(filepath.Dir(file), "facts.yaml"), "node: {name: n}\nvpc: {cidrs: [10.0.0.0/16]}\npods: [{namespace: a, name: b, ip: 10.0.1.5}]\n")
	report, err := author.Test(t.Context(), file, o)
	if err != nil {
		t.Fatal(err)
	}
	// Whatever failed may have read any setting.
	want := author.Coverage{
		Read: []string{"pod.label.egress"}, Absent: []string{"pod.label.egress"}, Idle: []string{"config.*", "vpc.*"}, Mistyped: []string{},
		Unread: []string{"cluster.ip_family", "node.address.10.0.0.10", "node.name", "node.primary_address", "pod.host_network", "pod.ip", "pod.name",
			"pod.namespace", "snat.exclude", "snat.external", "subject.kind", "vpc.cidrs"},
	}
	if !reflect.DeepEqual(report.Coverage, want) {
		t.Errorf("got  %+v\nwant %+v", report.Coverage, want)
	}
	dir := filepath.Dir(file)
	paths := []string{file, o.Module, filepath.Join(dir, "mine.yaml"), filepath.Join(dir, "facts.yaml")}
	if got := author.TestPaths(file); !reflect.DeepEqual(got, paths) {
		t.Errorf("paths %v, want %v", got, paths)
	}
	if files, err := author.TestFiles(dir); err != nil || !reflect.DeepEqual(files, []string{file}) {
		t.Errorf("files %v, %v", files, err)
	}
}

// A key that no fact has is the likely reason of an answer that is not expected.
func TestCaseOfMistypedKey(t *testing.T) {
	g := newGuest()
	file, o := withCases(t, g.decide(g.absent("pod.labels.egress"), wasmtest.Drop), "cases:\n- {to: 1.1.1.1, action: exclude}\n")
	report, err := author.Test(t.Context(), file, o)
	if err != nil {
		t.Fatal(err)
	}
	const want = "no fact is called pod.labels.egress, did you mean pod.label.egress?"
	if c := report.Cases[0]; c.OK || c.Change != want || len(report.Coverage.Mistyped) != 1 || report.Coverage.Mistyped[0] != want || len(report.Coverage.Absent) > 0 {
		t.Errorf("%+v", report)
	}
}

func TestBadCases(t *testing.T) {
	const one = "cases:\n- {to: 1.1.1.1, action: none}\n"
	for _, c := range []struct{ cases, want string }{
		{"", "FILE: cases: none, accepted: a list of at least one case"},
		{"module: other.wasm\n" + one, "open DIR/other.wasm: no such file or directory"},
		{"sidecar: other.yaml\n" + one, "open DIR/other.yaml: no such file or directory"},
		{"factsFile: other.yaml\n" + one, "open DIR/other.yaml: no such file or directory"},
		{"cases:\n- {to: 1.1.1.1, action: keep}\n", `FILE:2:25: cases[0].action: "keep" is unknown, accepted: exclude, translate, none`},
		{"cases:\n- {from: node, to: 1.1.1.1}\n", "FILE:2:20: cases[0].to: nothing is expected, accepted: to, an IPv4 address, and action; or fails"},
		{"cases:\n- {to: fd00::1, action: none}\n", "FILE:2:8: cases[0].to: nothing is expected, accepted: to, an IPv4 address, and action; or fails"},
		{"cases:\n- {to: fd00::1, fails: x}\n", "FILE:2:8: cases[0].to: fd00::1, accepted: an IPv4 address"},
		{"cases:\n- {action: none, fails: x}\n", "FILE:2:25: cases[0].fails: what fails has no other answer, accepted: fails alone, or action with source and reason"},
		{"cases:\n- {to: 1.1.1.1, action: exclude, source: 10.0.0.10}\n", "FILE:2:42: cases[0].source: accepted with action: translate"},
		{"cases:\n- {to: 1.1.1.1, action: none, reason: x}\n", "FILE:2:39: cases[0].reason: a module that says nothing has no reason, accepted with exclude and translate"},
		{"cases:\n- {from: a/b, to: 1.1.1.1, action: none}\n", `FILE:2:10: cases[0].from: "a/b" is not in the facts, accepted: node, default/web-1, default/web-2, payments/api-1, payments/batch-1`},
		{"facts: {vpc: {cidrs: [10.0.0.0/16]}}\nfactsFile: x.yaml\n" + one, "FILE:2:12: factsFile: there are facts in the file too, accepted: one of facts and factsFile"},
		{"facts: {node: {name: n}}\n" + one, "FILE:1:1: facts: vpc.cidrs: "},
		{"cases:\n- {to: 1.1.1.1, action: none, excludeCIDRs: [10.1.0.1/16]}\n", `FILE:2:46: cases[0].excludeCIDRs[0]: "10.1.0.1/16" has host bits set, accepted: 10.1.0.0/16`},
		{"case: []\n", "FILE:1:1: case: unknown key, accepted: module, sidecar, facts, factsFile, primaryAddress, addresses, external, excludeCIDRs, cases"},
	} {
		file, o := withCases(t, frozen(t), c.cases)
		_, err := author.Test(t.Context(), file, o)
		want := strings.NewReplacer("FILE", file, "DIR", filepath.Dir(file)).Replace(c.want)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got\n%v, want\n%s", c.cases, err, want)
		}
	}
	file, o := withCases(t, []byte("text"), one)
	if _, err := author.Test(t.Context(), file, o); err == nil || !strings.HasPrefix(err.Error(), "module mine.wasm: load: not WebAssembly") {
		t.Error(err)
	}
	file, o = withCases(t, wasmtest.New().Bytes(), one)
	if _, err := author.Test(t.Context(), file, o); err == nil || !strings.Contains(err.Error(), "exports no function decide; accepted: decide() -> i32; to change: make the policy the module's: ") {
		t.Error(err)
	}
	// Which module is meant may also follow from the file's name.
	unbuilt := filepath.Join(filepath.Dir(file), "more_test.yaml")
	write(t, unbuilt, one)
	if _, err := author.Test(t.Context(), unbuilt, o); err == nil || err.Error() != unbuilt+":1:1: module: missing, and there is no more.wasm, accepted: the path of a module, or that one built" {
		t.Error(err)
	}
	write(t, unbuilt, "sidecar: other.yaml\n"+one)
	write(t, filepath.Join(filepath.Dir(file), "more.wasm"), "")
	if _, err := author.Test(t.Context(), unbuilt, o); err == nil || !strings.HasPrefix(err.Error(), "open ") {
		t.Error(err)
	}
	other := filepath.Join(filepath.Dir(file), "cases.yaml")
	write(t, other, one)
	if _, err := author.Test(t.Context(), other, o); err == nil || err.Error() != other+":1:1: module: missing, accepted: the path of a module; a file FILE_test.yaml may leave out FILE.wasm" {
		t.Error(err)
	}
	if _, err := author.TestFiles(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no file with cases") {
		t.Error(err)
	}
}

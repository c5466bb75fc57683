package author_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk/abi"
)

// What is not given stays as the module has it, and the rest of the module too.
func TestAnnotate(t *testing.T) {
	o := options(t, frozen(t), "sha256: "+digest(frozen(t))+"\n") // which does not keep it from being annotated
	if err := os.Chmod(o.Module, 0o640); err != nil {
		t.Fatal(err)
	}
	report, err := author.Annotate(o.Module, "", policy.Metadata{Name: "sample", Version: "1.0.0", Facts: []string{"pod.label.egress", "config.*"}})
	if err != nil || report.Module != o.Module || report.Metadata.ABI != abi.Module {
		t.Fatalf("%+v, %v", report, err)
	}
	to := filepath.Join(filepath.Dir(o.Module), "copy.wasm")
	if report, err = author.Annotate(o.Module, to, policy.Metadata{Version: "1.1.0"}); err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile(to)
	if err != nil || !bytes.HasPrefix(wasm, frozen(t)) || report.SHA256 != digest(wasm) {
		t.Errorf("%v, %+v", err, report)
	}
	m, err := policy.ReadMetadata(wasm)
	if err != nil || m.String() != "sample 1.1.0" || strings.Join(m.Facts, " ") != "config.* pod.label.egress" {
		t.Errorf("%+v, %v", m, err)
	}
	first, err := os.ReadFile(o.Module)
	if err != nil || bytes.Equal(first, wasm) {
		t.Errorf("a copy changed the module: %v", err)
	}
	if info, err := os.Stat(o.Module); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(o.Module)); err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestAnnotateRefuses(t *testing.T) {
	o := options(t, frozen(t), "")
	named := policy.Metadata{Name: "sample"}
	for _, c := range []struct {
		path, to string
		m        policy.Metadata
		want     string
	}{
		{o.Module, "", policy.Metadata{Version: "1"}, o.Module + `: name: ""; accepted: a letter or digit, then at most 63 letters, digits and . _ + -`},
		{o.Module, "", policy.Metadata{Name: "a", Facts: []string{"config.*", "pod.labels.*"}}, "--fact: no fact is called pod.labels.*, did you mean pod.label.*?"},
		{o.Module, "", policy.Metadata{Name: "a", Facts: []string{"x*"}}, "--fact: no fact is called x*, sdk/FACTS.md lists those there are"},
		{o.Module, "copy.wasm.gz", named, "a compressed module; accepted: FILE.wasm, to be compressed after that"},
		{o.Module + ".yaml", "", named, o.Module + ".yaml: the file name gives no format; accepted: FILE.wasm or FILE.wasm.gz"},
	} {
		if _, err := author.Annotate(c.path, c.to, c.m); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	if wasm, err := os.ReadFile(o.Module); err != nil || !bytes.Equal(wasm, frozen(t)) {
		t.Errorf("a refused annotation changed the module: %v", err)
	}
}

// A check tells what a module declares, and holds that against what it reads.
func TestCheckMetadata(t *testing.T) {
	annotated := func(m policy.Metadata) []byte {
		m.Name, m.Version = "sample", "1.0.0"
		wasm, err := policy.Annotate(frozen(t), m)
		if err != nil {
			t.Fatal(err)
		}
		return wasm
	}
	const labels = "vpc: {cidrs: [10.0.0.0/16]}\npods: [{namespace: a, name: own, ip: 10.0.1.5, labels: {egress: own}}]\n"
	for _, c := range []struct {
		name string
		wasm []byte
		want author.CheckResult
	}{
		{"none", frozen(t), author.CheckResult{State: author.OK, Detail: "none; snatd policy annotate gives it a name, a version and the facts that it may read"}},
		{"without facts", annotated(policy.Metadata{ABI: abi.Module, Author: "me"}), author.CheckResult{State: author.OK, Detail: "sample 1.0.0 by me, needs snat_v1"}},
		{"all", annotated(policy.Metadata{ABI: abi.Module, Facts: []string{"config.*", "pod.label.egress"}}),
			author.CheckResult{State: author.OK, Detail: "sample 1.0.0, needs snat_v1, may read config.*, pod.label.egress"}},
		{"more", annotated(policy.Metadata{ABI: abi.Module, Facts: []string{"*"}}),
			author.CheckResult{State: author.OK, Detail: "sample 1.0.0, needs snat_v1, may read *"}},
		{"idle", annotated(policy.Metadata{ABI: abi.Module, Facts: []string{"config.*", "pod.*", "vpc.cidrs"}}),
			author.CheckResult{State: author.OK, Detail: "sample 1.0.0, needs snat_v1, may read config.*, pod.*, vpc.cidrs; not read on these facts: vpc.cidrs"}},
		{"nothing", annotated(policy.Metadata{ABI: abi.Module, Facts: []string{}}),
			author.CheckResult{State: author.Failed, Detail: "sample 1.0.0 reads config.partners, pod.label.egress, which it does not declare",
				Change: "annotate it with all that it reads: --fact 'config.partners' --fact 'pod.label.egress'"}},
		{"less", annotated(policy.Metadata{ABI: abi.Module, Facts: []string{"vpc.*"}}),
			author.CheckResult{State: author.Failed, Detail: "sample 1.0.0 reads config.partners, pod.label.egress, which it does not declare",
				Change: "annotate it with all that it reads: --fact 'vpc.*' --fact 'config.partners' --fact 'pod.label.egress'"}},
		{"a later ABI", annotated(policy.Metadata{ABI: "snat_v2"}),
			author.CheckResult{State: author.Failed, Detail: "sample 1.0.0 needs a host with snat_v2, this one has snat_v1",
				Change: "build it with the SDK of this version, or run a version of snatd that has it"}},
		{"illegible", append(frozen(t), "\x00\x0d\x0csnatd.policy"...),
			author.CheckResult{State: author.Failed, Detail: "section snatd.policy: not the JSON of metadata: unexpected end of JSON input",
				Change: "write them anew: snatd policy annotate --name NAME"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t, c.wasm, "config: {partners: 10.1.0.0/16}\n")
			o.Facts = filepath.Join(filepath.Dir(o.Module), "facts.yaml")
			write(t, o.Facts, labels)
			report, err := author.Check(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			c.want.Check = "metadata"
			if report.Checks[3] != c.want || report.OK != (c.want.State == author.OK) {
				t.Errorf("got  %+v\nwant %+v", report.Checks[3], c.want)
			}
		})
	}
}

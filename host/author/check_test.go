package author_test

import (
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/examples"
	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

func TestCheckTakesModule(t *testing.T) {
	label := examples.ExcludeByLabel()
	if label == nil {
		t.Fatal(`examples/built/exclude-by-label.wasm is missing: run "make build"`)
	}
	const sidecar = "config: {label: app=web, cidrs: 172.31.0.0/16}\n"
	o := options(t, label, sidecar+"sha256: "+digest(label)+"\n")
	report, err := author.Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK || report.Module != "mine.wasm" || report.Sidecar != filepath.Join(filepath.Dir(o.Module), "mine.yaml") {
		t.Errorf("%+v", report)
	}
	if report.SHA256 != digest(label) || report.Size != len(label) || report.Gzipped >= report.Size || report.Compile <= 0 || report.Start <= 0 {
		t.Errorf("%+v", report)
	}
	want := map[string]string{
		"size":     "fits into a ConfigMap only if gzipped",
		"sha256":   digest(label) + ", as the sidecar wants",
		"metadata": "none; snatd policy annotate gives it a name",
		"abi":      "compiled in ",
		"validate": "with 2 settings of the sidecar",
		"decide":   "for 5 subjects, with 4 evaluations",
		"facts":    "it asks for facts that there are",
		"pure":     "the same again in the opposite order",
	}
	for _, c := range report.Checks {
		if c.State != author.OK || c.Change != "" || !strings.Contains(c.Detail, want[c.Check]) {
			t.Errorf("%+v, want %q", c, want[c.Check])
		}
		delete(want, c.Check)
	}
	if len(want) > 0 {
		t.Errorf("not checked: %v", want)
	}
}

func TestCheckRefusesModule(t *testing.T) {
	tests := []struct {
		name    string
		wasm    []byte
		sidecar string
		want    author.CheckResult // the first that is not ok
	}{
		{"not WebAssembly", []byte("text"), "", author.CheckResult{Check: "abi",
			Detail: `load: not WebAssembly, it begins with "text"; accepted: a core module, which begins with "\x00asm"`}},
		{"no decide", wasmtest.New().Bytes(), "", author.CheckResult{Check: "abi",
			Detail: "load: exports no function decide; accepted: decide() -> i32",
			Change: "make the policy the module's: sdk.Register in an init function of package main in Go, policy!(decide) in Rust, " +
				"SNAT_POLICY(decide, validate) in C, export function decide() in AssemblyScript"}},
		{"AssemblyScript's abort", imports("env", "abort"), "", author.CheckResult{Check: "abi",
			Detail: "load: imports env.abort; accepted: functions of the modules snat_v1 and wasi_snapshot_preview1",
			Change: "compile AssemblyScript with --use abort=~lib/@snatd/policy/assembly/fail/abort"}},
		{"files", imports(abi.WASIModule, "path_open"), "", author.CheckResult{Check: "abi",
			Detail: "load: imports wasi_snapshot_preview1.path_open; accepted from wasi_snapshot_preview1: " + strings.Join(abi.WASI, ", "),
			Change: "build it for no system: wasm32-unknown-unknown in Rust, -nostdlib in C"}},
		{"unknown import", imports("env", "now"), "", author.CheckResult{Check: "abi",
			Detail: "load: imports env.now; accepted: functions of the modules snat_v1 and wasi_snapshot_preview1"}},
		{"setting that is no fact", excludes(false), "config: {\"\": a}\n", author.CheckResult{Check: "validate",
			Detail: "load: config: an empty key; accepted: a name"}},
		{"settings refused", func() []byte {
			g := newGuest()
			g.Func(abi.Validate, wasmtest.Sig(0, 1), wasmtest.Const(3))
			return g.decide()
		}(), "", author.CheckResult{Check: "validate", Detail: "failed: validate returned 3; accepted: 0"}},
		{"start that traps", func() []byte {
			g := newGuest()
			g.Func(abi.Initialize, wasmtest.Sig(0, 0), wasmtest.Unreachable)
			return g.decide()
		}(), "", author.CheckResult{Check: "validate", Detail: "trap: unreachable in $3",
			Change: "return an error, or fail with a message: a trap tells an operator nothing"}},
		{"no grant", translates(""), "", author.CheckResult{Check: "decide",
			Detail: `for node and 4 more: grant: translate "0.0.0.0/0": the grant translate is missing, only exclude is allowed`,
			Change: "have the sidecar grant it: grants: {translate: true}, or grants: {sources: [ADDRESS]}"}},
		{"trap for one subject", excludes(true), "", author.CheckResult{Check: "decide",
			Detail: "for node: trap: unreachable in $3",
			Change: "return an error, or fail with a message: a trap tells an operator nothing"}},
		{"loop", newGuest().decide(wasmtest.Forever()), "", author.CheckResult{Check: "decide",
			Detail: "for node and 2 more: deadline: decide took longer than 100ms",
			Change: "end sooner, or read and answer less; --deadline allows more here, and policies.deadline on a node"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, tt.wasm, tt.sidecar)
			if tt.name == "loop" {
				o.Deadline = 100 * time.Millisecond
			}
			report, err := author.Check(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.State = author.Failed
			state := author.OK
			for _, c := range report.Checks {
				if state == author.OK && c.State == author.Failed {
					if diff := cmp.Diff(tt.want, c); diff != "" {
						t.Errorf("-want +got:\n%s", diff)
					}
					state = author.Skipped
				} else if c.State != state {
					t.Errorf("%+v, want %s", c, state)
				}
			}
			if report.OK || state == author.OK {
				t.Errorf("taken: %+v", report)
			}
		})
	}
}

// imports is a module with that import, which takes nothing.
func imports(module, name string) []byte {
	g := newGuest()
	g.Import(module, name, wasmtest.Sig(0, 1))
	return g.decide()
}

// A mistyped key is an absent fact to a module, so it is said here.
func TestMistypedFacts(t *testing.T) {
	for key, want := range map[string]string{
		"pod.labels.app":   "no fact is called pod.labels.app, did you mean pod.label.app?",
		"pod.nmae":         "no fact is called pod.nmae, did you mean pod.name?",
		"namespace.lable.": "no fact is called namespace.lable., did you mean namespace.label.?",
		"Pod.Name":         "no fact is called Pod.Name, did you mean pod.name?",
		"vpc.cidr":         "no fact is called vpc.cidr, did you mean vpc.cidrs?",
		"weather":          "no fact is called weather, sdk/FACTS.md lists those there are",
		"pod.label.app":    "",
		"pod.name":         "",
		"config.pratners":  "", // the module's own
	} {
		g := newGuest()
		o := options(t, g.decide(g.absent(key), wasmtest.Drop), "")
		check, err := author.Check(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		result := check.Checks[6]
		state, detail := author.Warning, want
		if want == "" {
			state, detail = author.OK, "it asks for facts that there are"
		}
		if !check.OK || result.Check != "facts" || result.State != state || result.Detail != detail {
			t.Errorf("%s: %+v, want %s: %s", key, result, state, detail)
		}
		run, err := author.Run(t.Context(), o, "default/web-1")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(run.Subjects[0].Mistyped, "; "); got != want {
			t.Errorf("%s: run says %q, want %q", key, got, want)
		}
	}
}

// Of many, not all are said.
func TestManyMistypedFacts(t *testing.T) {
	g := newGuest()
	var code [][]byte
	for _, c := range "abcdefg" {
		code = append(code, g.absent("weather."+string(c)), wasmtest.Drop)
	}
	check, err := author.Check(t.Context(), options(t, g.decide(code...), ""))
	if err != nil {
		t.Fatal(err)
	}
	detail := check.Checks[6].Detail
	if !strings.HasSuffix(detail, "no fact is called weather.e, sdk/FACTS.md lists those there are; and so for 2 more") {
		t.Error(detail)
	}
}

// What translates needs a grant; what translates to another address also an
// interface that holds it, which is taken for granted unless something else is
// said.
func TestCheckGrants(t *testing.T) {
	const sources = "grants: {sources: [10.0.0.11]}\n"
	for _, tt := range []struct {
		name, source, sidecar string
		addresses             []string
		want                  string // of decide
	}{
		{"primary", "", "grants: {translate: true}\n", nil, ""},
		{"other", "10.0.0.11", sources, nil, ""},
		{"other, held", "10.0.0.11", sources, []string{"10.0.0.11"}, ""},
		{"other, not held", "10.0.0.11", sources, []string{"10.0.0.12"},
			`for node and 4 more: output: translate "0.0.0.0/0": the node's primary interface does not hold the source 10.0.0.11`},
		{"other, not granted", "10.0.0.12", sources, nil,
			`for node and 4 more: grant: translate "0.0.0.0/0": the grant sources does not list 10.0.0.12`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, translates(tt.source), tt.sidecar)
			for _, a := range tt.addresses {
				o.Addresses = append(o.Addresses, netip.MustParseAddr(a))
			}
			report, err := author.Check(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			decide := report.Checks[5]
			if report.OK != (tt.want == "") || tt.want != "" && decide.Detail != tt.want {
				t.Errorf("%+v, want %q", decide, tt.want)
			}
		})
	}
}

// It takes no time to see that a large module is too large for a ConfigMap, and one
// that is not is told exactly.
func TestCheckSizes(t *testing.T) {
	text := func(compressible bool, size int) []byte {
		random := rand.NewChaCha8([32]byte{})
		data := make([]byte, size)
		if !compressible {
			_, _ = random.Read(data) // never fails
		}
		return data
	}
	for _, tt := range []struct {
		name  string
		wasm  []byte
		exact bool
		want  string
	}{
		{"small", text(false, 1000), true, "fits into a ConfigMap"},
		{"medium", text(true, 2<<20), true, "fits into a ConfigMap only if gzipped"},
		{"medium, dense", text(false, 2<<20), true, "too large for a ConfigMap, which holds 1 MiB"},
		{"large", text(true, 20<<20), true, "fits into a ConfigMap only if gzipped"},
		{"large, dense", text(false, 20<<20), false, "20971520 bytes, more than 1048576 gzipped: too large for a ConfigMap, which holds 1 MiB"},
	} {
		report, err := author.Check(t.Context(), options(t, tt.wasm, ""))
		if err != nil {
			t.Fatal(err)
		}
		if detail := report.Checks[0].Detail; !strings.HasSuffix(detail, tt.want) || (report.Gzipped > 0) != tt.exact {
			t.Errorf("%s: %d gzipped, %q, want %q", tt.name, report.Gzipped, detail, tt.want)
		}
	}
}

package sdk

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// forgotten are policies that are nobody's: the module does not have them. snatd policy
// check says so too, as TestReadmes has it.
var forgotten = map[string]mistake{
	"go": {"wasm/main.go", "sdk.Register(policy.Decide, sdk.Validate(policy.Validate))", "_, _ = policy.Decide, sdk.Everywhere",
		`failed  .*\n.*\n.*\n +got +error failed: the module has no policy: call sdk\.Register from an init function of package main`},
	"c":              {"policy.c", "SNAT_POLICY(decide, validate)", "", notTheModules},
	"rust":           {"src/lib.rs", "policy!(decide, validate);", "", notTheModules},
	"assemblyscript": {"policy.ts", "export function decide", "function decide", notTheModules},
}

const notTheModules = `snatd: module partners\.wasm: load: exports no function decide; accepted: decide\(\) -> i32; to change: make the policy the module's: `

// reason is how a policy gets the reason that it gives from a file beside it, which is no
// source that a Makefile could list: its name has a space, and only the compiler knows of it.
type reason struct {
	policy        string   // the file with the policy
	replace       []string // texts in it, each with what stands in its place
	file, content string   // what is added; REASON stands for the reason
}

var reasons = map[string]reason{
	"go": {"policy.go", []string{`"partner network"`, "reason", "import (\n", "import (\n\t_ \"embed\"\n", "func Decide(", "//go:embed \"the reason.txt\"\nvar reason string\n\nfunc Decide("},
		"the reason.txt", "REASON"},
	"c": {"policy.c", []string{`"partner network"`, "WHY", `#include "snat.h"`, "#include \"snat.h\"\n#include \"the reason.inc\""},
		"the reason.inc", "#define WHY \"REASON\"\n"},
	"rust": {"src/lib.rs", []string{`"partner network"`, `include_str!("../the reason.txt")`},
		"the reason.txt", "REASON"},
	"assemblyscript": {"policy.ts", []string{`"partner network"`, "reason", "import {", "import { reason } from \"./the reason\";\nimport {"},
		"the reason.ts", "export const reason = \"REASON\";\n"},
}

// rebuild checks that make makes the module of what is there now, whatever was changed: also
// the Makefile, and a file that only the compiler knows of.
func rebuild(t *testing.T, s *stranger, r reason) {
	t.Helper()
	edit := func(file string, replace ...string) {
		t.Helper()
		path := filepath.Join(s.home, "partners", file)
		before, err := os.ReadFile(path)
		after := strings.NewReplacer(replace...).Replace(string(before))
		if err == nil && after == string(before) {
			t.Fatalf("%s has none of %q", file, replace)
		}
		if err == nil {
			err = os.WriteFile(path, []byte(after), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	made := func(command, want string) {
		t.Helper()
		if out, err := s.run("partners", "make\n"+command); err != nil || !strings.Contains(out, want) {
			t.Errorf("%v\n%s\nwant %s", err, out, want)
		}
	}
	made("true", "")
	edit("Makefile", "--version 0.1.0", "--version 0.2.0", "--fact 'config.*'", "--fact 'config.p*' --fact node.zone")
	made("make check", "partners 0.2.0, needs snat_v1, may read config.p*, node.zone, pod.label.example.com/egress;")
	run := "snatd policy run partners.wasm --facts facts.yaml --subject payments/api-1"
	content := strings.ReplaceAll(r.content, "REASON", "first reason")
	if err := os.WriteFile(filepath.Join(s.home, "partners", r.file), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	edit(r.policy, r.replace...)
	made(run, "10.20.0.0/16    first reason\n")
	edit(r.file, "first", "second")
	made(run, "10.20.0.0/16    second reason\n")
}

// firstSteps are the commands at the head of "Write a policy" in the README, for a language.
func firstSteps(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile(`(?m)^    snatd policy new --lang rust partners .*\n    cd partners && make test\n`).FindString(string(text))
	if printed == "" {
		t.Fatal("README.md does not print how to begin")
	}
	return strings.Replace(printed, "rust", language, 1)
}

// printedCases are those that the author's guide shows, of the file partners_test.yaml.
func printedCases(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "sdk/AUTHORS.md"))
	if err != nil {
		t.Fatal(err)
	}
	printed := regexp.MustCompile("(?ms)^```yaml\n(factsFile: node-a.yaml .*?)^```$").FindSubmatch(text)
	if printed == nil {
		t.Fatal("sdk/AUTHORS.md shows no cases")
	}
	return string(printed[1])
}

// TestNew: what README.md prints makes a policy, which works as its own README prints it,
// without a clone of this repository, and its module decides what those of the SDKs' READMEs
// do. Where the policy is another its cases fail, and where it was forgotten they say what to
// change.
func TestNew(t *testing.T) {
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			s := newStranger(t, language)
			if out, err := s.run(".", firstSteps(t, language)); err != nil || !strings.HasSuffix(out, "cases are as expected\n") {
				t.Fatalf("the commands of README.md: %v\n%s", err, out)
			}
			s.follow("partners", filepath.Join(s.home, "partners", "README.md"))
			decides(t, s)
			out, err := s.run("partners", "cp partners.wasm 20-partners.wasm\ncp partners.yaml 20-partners.yaml\ncp facts.yaml node-a.yaml\n"+
				"cat >20-partners_test.yaml <<'END OF FILE'\n"+printedCases(t)+"END OF FILE\n"+
				"snatd policy test 20-partners_test.yaml\nrm 20-* node-a.yaml\n")
			if err != nil || !strings.HasSuffix(out, "\n2 cases are as expected\n") {
				t.Errorf("the cases of sdk/AUTHORS.md: %v\n%s", err, out)
			}
			path := filepath.Join(s.home, "partners", "partners_test.yaml")
			cases, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			wrong := strings.Replace(string(cases), "reason: partner network", "reason: another", 1)
			if err := os.WriteFile(path, []byte(wrong), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = s.run("partners", "make test")
			const want = "want       exclude, because another\n          got        exclude by 10.20.0.0/16, because partner network\n"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("make test of a case that is wrong: %v\nwant %s", err, want)
			}
			if err := os.WriteFile(path, cases, 0o644); err != nil {
				t.Fatal(err)
			}
			forgotten[language].make(t, s, "make\nsnatd policy test\n")
			rebuild(t, s, reasons[language])
			if _, err := s.run("partners", "make clean && ! test -e partners.wasm"); err != nil {
				t.Error(err)
			}
		})
	}
}

package sdk

import (
	"os"
	"path/filepath"
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

// TestNew: what snatd policy new makes works as its README prints it, without a clone of
// this repository, and its module decides what those of the SDKs' READMEs do. Where the
// policy is another its cases fail, and where it was forgotten they say what to change.
func TestNew(t *testing.T) {
	for _, language := range languages {
		t.Run(language, func(t *testing.T) {
			s := newStranger(t, language)
			if _, err := s.run(".", "snatd policy new --lang "+language+" partners"); err != nil {
				t.Fatal(err)
			}
			s.follow("partners", filepath.Join(s.home, "partners", "README.md"))
			decides(t, s)
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
			if _, err := s.run("partners", "make clean && ! test -e partners.wasm"); err != nil {
				t.Error(err)
			}
		})
	}
}

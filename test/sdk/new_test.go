package sdk

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
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

// source are files of a new policy: what its module is made of, and what it is not.
type source struct{ own, sdk, added, other string }

var sources = map[string]source{
	"go":             {"policy.go", "snatd/sdk/prefix.go", "more/more.go", "policy_test.go"},
	"c":              {"policy.c", "snatd/snat.h", "more.h", "policy_test.c"},
	"rust":           {"src/lib.rs", "snatd/src/prefix.rs", "src/more.rs", "partners_test.yaml"},
	"assemblyscript": {"policy.ts", "snatd/assembly/prefix.ts", "more.ts", "partners.test.mjs"},
}

// rebuild checks that make makes the module again for each of its sources, and for no other
// file.
func (f source) rebuild(t *testing.T, s *stranger) {
	t.Helper()
	current := func(want bool, after string) {
		t.Helper()
		out, err := s.run("partners", "make -q partners.wasm")
		if want && err != nil || !want && (err == nil || !strings.HasPrefix(err.Error(), "exit status 1\n")) {
			t.Errorf("after a change of %s: make -q: %v, want it current: %t\n%s", after, err, want, out)
		}
	}
	change := func(file string, want bool) {
		t.Helper()
		path := filepath.Join(s.home, "partners", file)
		info, err := os.Stat(path)
		if err == nil {
			err = os.Chtimes(path, time.Now(), time.Now())
		}
		current(want, file)
		if err == nil {
			err = os.Chtimes(path, info.ModTime(), info.ModTime())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	current(true, "nothing")
	change(f.other, true)
	change(f.own, false)
	change(f.sdk, false)
	content := "/* more */\n"
	if strings.HasSuffix(f.added, ".go") {
		content += "package more\n"
	}
	added := filepath.Join(s.home, "partners", f.added)
	err := os.MkdirAll(filepath.Dir(added), 0o755)
	if err == nil {
		err = os.WriteFile(added, []byte(content), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	current(false, f.added)
	if _, err := s.run("partners", "make"); err != nil {
		t.Fatal(err)
	}
	current(true, "nothing since make")
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
			sources[language].rebuild(t, s)
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

package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	none := []entry{}
	kept := []entry{{Prefix: "10.0.0.0/8", Reason: "kept"}}
	asked := []read{{Key: "pod.name"}}
	said := []line{{0, "x"}}
	for _, test := range []struct {
		name   string
		c      policyCase
		a      answer
		wanted string // the problem's beginning; empty: none
	}{
		{"as wanted", policyCase{Entries: &kept, Reads: &asked, Log: &said, Count: 1}, answer{Entries: kept, Reads: asked, Log: said}, ""},
		{"anything", policyCase{}, answer{Entries: kept}, ""},
		{"no opinion", policyCase{Entries: &none}, answer{}, ""},
		{"other entries", policyCase{Entries: &none}, answer{Entries: kept}, "entries: "},
		{"other count", policyCase{Count: 2}, answer{Entries: kept}, "1 entries, want 2"},
		{"other reads", policyCase{Reads: &asked}, answer{}, "reads: "},
		{"other log", policyCase{Log: &said}, answer{}, "log: "},
		{"failed", policyCase{}, answer{Error: &failure{"trap", "x"}}, "failed: trap: x"},
		{"failed as wanted", policyCase{Class: "trap", Message: "^x$"}, answer{Error: &failure{"trap", "x"}}, ""},
		{"other class", policyCase{Class: "limit"}, answer{Error: &failure{"trap", "x"}}, "error trap: x"},
		{"other message", policyCase{Class: "trap", Message: "y"}, answer{Error: &failure{"trap", "x"}}, `error "x"`},
		{"did not fail", policyCase{Class: "trap"}, answer{}, "no error, want trap"},
	} {
		got := test.c.check(test.a)
		if (got == "") != (test.wanted == "") || !strings.HasPrefix(got, test.wanted) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.wanted)
		}
	}
}

// TestFrozen: modules are added to what every host must run for ever, and none is changed.
func TestFrozen(t *testing.T) {
	sums, err := os.ReadFile("frozen/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := readModules("")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, m := range modules {
		fmt.Fprintf(&got, "%x  %s.wasm\n", sha256.Sum256(m.wasm), m.name)
	}
	if got.String() != string(sums) {
		t.Errorf("the modules are\n%swant those of frozen/SHA256SUMS:\n%s", got.String(), sums)
	}
}

// TestFilesAreCases: every kind of a frozen module has cases that can be read.
func TestFilesAreCases(t *testing.T) {
	modules, err := readModules("")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		all, err := readCases(m.kind())
		if err != nil || len(all) == 0 {
			t.Errorf("%s: %d cases, %v", m.name, len(all), err)
		}
		for _, c := range all {
			if c.Class == "" && c.AtLoad {
				t.Errorf("%s: %s wants an error at load, but no class", m.name, c.Name)
			}
		}
	}
	if _, err := readModules(t.TempDir()); err == nil {
		t.Error("a folder without modules is accepted")
	}
}

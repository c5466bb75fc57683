// Package sdk tests the SDKs of all languages, from their sources to decisions on this
// repository's host: their own unit tests, the conformance suite, what their modules weigh,
// and that a stranger gets there by what the READMEs print.
//
// A language whose compiler is missing is skipped, and fails on CI.
package sdk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// languages are the SDKs by the names of their modules.
var languages = []string{"go", "c", "rust", "assemblyscript"}

// root is the project's folder.
const root = "../.."

// work is a folder for what is built once, for all tests.
var work string

func TestMain(m *testing.M) {
	var err error
	if work, err = os.MkdirTemp("", "sdk"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(work)
	os.Exit(code)
}

// need ends the test if a language's compiler is missing: on CI as failed, elsewhere as
// skipped.
func need(t testing.TB, language string) {
	t.Helper()
	if language == "go" {
		return
	}
	missing, err := exec.Command("./missing.sh", language).Output()
	switch {
	case err != nil:
		t.Fatalf("missing.sh: %v", err)
	case len(missing) > 0 && os.Getenv("CI") == "true":
		t.Fatalf("%s", missing)
	case len(missing) > 0:
		t.Skipf("%s", missing)
	}
}

// modules returns the folder with a language's modules for the conformance suite, built
// from the sources.
func modules(t testing.TB, language string) string {
	t.Helper()
	need(t, language)
	return once(t, language, func(path string) *exec.Cmd {
		return exec.Command("make", "modules-"+language, "TCK="+path)
	})
}

// sample returns a language's sample.
func sample(t testing.TB, language string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(modules(t, language), language+"-sample.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// program returns the path of a program of this repository.
func program(t testing.TB, name, source string) string {
	t.Helper()
	return once(t, name, func(path string) *exec.Cmd {
		return exec.Command("go", "build", "-o", path, source)
	})
}

// once returns a path in the folder work, after a command has made it.
func once(t testing.TB, name string, command func(path string) *exec.Cmd) string {
	t.Helper()
	path := filepath.Join(work, name)
	if _, err := os.Stat(path); err != nil {
		run(t, command(path))
	}
	return path
}

// run runs a command in the project's folder.
func run(t testing.TB, command *exec.Cmd) {
	t.Helper()
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

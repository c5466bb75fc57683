package sdk

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// languages are the SDKs by the names of their modules.
var languages = []string{"go", "c", "rust", "assemblyscript"}

// kinds are the modules that every language has.
var kinds = []string{"sample", "probe"}

// root is the project's folder.
const root = "../.."

// need ends the test if a language's compiler is missing: on CI as failed, elsewhere
// as skipped.
func need(t testing.TB, language string) {
	t.Helper()
	missing, install := false, ""
	switch language {
	case "c":
		missing, install = absent("clang") || absent("wasm-ld"), "apt-get install clang lld"
	case "rust":
		missing, install = absent("/usr/bin/cargo") || !hasRustTarget(), "apt-get install rustc cargo libstd-rust-dev-wasm32 lld"
	case "assemblyscript":
		missing, install = absent("node") || absent(root+"/sdk/assemblyscript/node_modules/.bin/asc"), "npm ci --prefix sdk/assemblyscript"
	}
	switch {
	case missing && os.Getenv("CI") == "true":
		t.Fatalf("the compiler for %s is not installed: %s", language, install)
	case missing:
		t.Skipf("the compiler for %s is not installed: %s", language, install)
	}
}

func absent(command string) bool {
	_, err := exec.LookPath(command)
	return err != nil
}

func hasRustTarget() bool {
	sysroot, err := exec.Command("/usr/bin/rustc", "--print", "sysroot").Output()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(strings.TrimSpace(string(sysroot)), "lib/rustlib/wasm32-unknown-unknown"))
	return err == nil
}

// build returns the modules of a language by their kinds, built from the sources into a
// folder of the test.
func build(t testing.TB, language string) map[string][]byte {
	t.Helper()
	need(t, language)
	out := t.TempDir()
	if language == "go" {
		for _, kind := range kinds {
			command := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w",
				"-o", filepath.Join(out, kind+".wasm"), "./sdk/tck/"+kind+"/wasm")
			command.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
			run(t, command)
		}
	} else {
		run(t, exec.Command("make", "-C", "sdk/"+language, "OUT="+out))
	}
	modules := map[string][]byte{}
	for _, kind := range kinds {
		wasm, err := os.ReadFile(filepath.Join(out, kind+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		modules[kind] = wasm
	}
	return modules
}

// run runs a command in the project's folder.
func run(t testing.TB, command *exec.Cmd) {
	t.Helper()
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

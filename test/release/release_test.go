package release

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/sdk/abi"
)

// Two releases of the same commit are the same bytes, whichever folder they are made in,
// whatever else is in the clone, and also without one.
func TestSameBytes(t *testing.T) {
	repository := released(t)
	want := sums(t, filepath.Join(repository, "dist"))
	names := []string{"SHA256SUMS"}
	for architecture := range machines {
		name := "snatd-" + tag + "-linux-" + architecture
		names = append(names, name, name+".cdx.json")
	}
	slices.Sort(names)
	if got := slices.Sorted(maps.Keys(want)); !slices.Equal(got, names) {
		t.Fatalf("dist holds %q, want %q", got, names)
	}
	// Elsewhere, deeper, and where Go would note another state of the clone.
	other := filepath.Join(work, "elsewhere", "a clone")
	succeed(t, work, "git", "clone", "--quiet", "--depth", "1", "--branch", tag, "file://"+repository, other)
	succeed(t, other, "make", "release", "GO=env GOFLAGS=-buildvcs=true go")
	if got := sums(t, filepath.Join(other, "dist")); !maps.Equal(got, want) {
		t.Errorf("a clone elsewhere:\n%q\nwant\n%q", got, want)
	}
	// As from an archive, which says nothing of itself, and with a module that
	// was built otherwise.
	stale := filepath.Join(other, "plugins/built/routes.wasm")
	if err := os.WriteFile(stale, []byte("built otherwise"), 0o644); err != nil {
		t.Fatal(err)
	}
	hash := strings.TrimSpace(succeed(t, other, "git", "rev-parse", "HEAD"))
	if err := os.RemoveAll(filepath.Join(other, ".git")); err != nil {
		t.Fatal(err)
	}
	succeed(t, other, "make", "release", "VERSION="+tag, "COMMIT="+hash)
	if got := sums(t, filepath.Join(other, "dist")); !maps.Equal(got, want) {
		t.Errorf("an archive:\n%q\nwant\n%q", got, want)
	}
}

// The sums are those of all other files.
func TestSums(t *testing.T) {
	dist := filepath.Join(released(t), "dist")
	succeed(t, dist, "sha256sum", "--check", "--strict", "SHA256SUMS")
	text, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got != len(files)-1 {
		t.Errorf("%d sums for %d files:\n%s", got, len(files)-1, text)
	}
}

// Each binary is static, of the architecture that its name says, and carries the same
// modules, which `make build` would have built too.
func TestBinaries(t *testing.T) {
	repository := released(t)
	modules := []string{"plugins/built/default.wasm", "plugins/built/routes.wasm", "examples/embedded/exclude-by-label.wasm", "examples/embedded/exclude-cidrs.wasm"}
	for architecture, machine := range machines {
		path := binary(repository, architecture)
		file, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if file.Machine != machine {
			t.Errorf("%s: machine %v, want %v", architecture, file.Machine, machine)
		}
		if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
			t.Errorf("%s: libraries %q, %v", architecture, libraries, err)
		}
		for _, segment := range file.Progs {
			if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
				t.Errorf("%s is not static: it has the segment %v", architecture, segment.Type)
			}
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range modules {
			wasm, err := os.ReadFile(filepath.Join(repository, module))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(content, wasm) {
				t.Errorf("%s does not carry %s", architecture, module)
			}
		}
		if bytes.Contains(content, []byte(work)) {
			t.Errorf("%s says where it was built", architecture)
		}
	}
}

// build is what a reader of snatd version -o json relies on.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	ABI      string `json:"abi"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// The program says what it was built from, in a root directory that holds nothing else.
func TestVersion(t *testing.T) {
	repository := released(t)
	hash := strings.TrimSpace(succeed(t, repository, "git", "rev-parse", "HEAD"))
	content, err := os.ReadFile(binary(repository, runtime.GOARCH))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "snatd"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	alone := func(arguments ...string) string {
		command := exec.Command("/snatd", arguments...)
		command.Dir, command.Env = "/", []string{}
		command.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		if os.Geteuid() != 0 {
			command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
			command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		}
		out, err := command.Output()
		if err != nil {
			t.Fatalf("snatd %q: %v", arguments, err)
		}
		return string(out)
	}
	want := build{tag, hash, abi.Module, runtime.Version(), "linux/" + runtime.GOARCH}
	var got build
	if err := json.Unmarshal([]byte(alone("version", "-o", "json")), &got); err != nil || got != want {
		t.Errorf("snatd version -o json: %+v, %v, want %+v", got, err, want)
	}
	text := fmt.Sprintf("snatd     %s\ncommit    %s\nabi       %s\ngo        %s\nplatform  %s\n", want.Version, want.Commit, want.ABI, want.Go, want.Platform)
	if got := alone("version"); got != text {
		t.Errorf("snatd version:\n%s\nwant\n%s", got, text)
	}
	line := fmt.Sprintf("snatd version %s, commit %s, abi %s\n", tag, hash[:12], abi.Module)
	if got := alone("--version"); got != line {
		t.Errorf("snatd --version: %s, want %s", got, line)
	}
}

// What is not committed is told, and what is not known.
func TestVersionOfOthers(t *testing.T) {
	repository := filepath.Join(work, "others")
	succeed(t, work, "git", "clone", "--quiet", released(t), repository)
	hash := strings.TrimSpace(succeed(t, repository, "git", "rev-parse", "HEAD"))
	succeed(t, repository, "rm", "CHANGELOG.md")
	says := func(want build, command string, arguments ...string) {
		t.Helper()
		succeed(t, repository, command, arguments...)
		var got build
		err := json.Unmarshal([]byte(succeed(t, repository, "bin/snatd", "version", "-o", "json")), &got)
		want.ABI, want.Go, want.Platform = abi.Module, runtime.Version(), "linux/"+runtime.GOARCH
		if err != nil || got != want {
			t.Errorf("%s %q: %+v, %v, want %+v", command, arguments, got, err, want)
		}
	}
	says(build{Version: tag + "-dirty", Commit: hash + "-dirty"}, "make", "build")
	// Without make Go notes the commit, if it is let.
	says(build{Version: tag + "+dirty", Commit: hash + "-dirty"}, "go", "build", "-trimpath", "-buildvcs=true", "-o", "bin/snatd", "./host")
	says(build{Version: "unknown", Commit: "unknown"}, "go", "build", "-trimpath", "-buildvcs=false", "-o", "bin/snatd", "./host")
}

// The bill of materials lists what is in the binary, and neither when nor which one it is.
func TestBillOfMaterials(t *testing.T) {
	repository := released(t)
	for architecture := range machines {
		path := binary(repository, architecture)
		text, err := os.ReadFile(path + ".cdx.json")
		if err != nil {
			t.Fatal(err)
		}
		var bill struct {
			Format   string `json:"bomFormat"`
			Serial   string `json:"serialNumber"`
			Metadata struct {
				Timestamp string
				Component struct{ Name, Version string }
			}
			Components []struct{ Name, Version string }
		}
		if err := json.Unmarshal(text, &bill); err != nil {
			t.Fatal(err)
		}
		if bill.Format != "CycloneDX" || bill.Serial != "" || bill.Metadata.Timestamp != "" || bill.Metadata.Component.Name != "github.com/snatd/snatd" || bill.Metadata.Component.Version != tag {
			t.Errorf("%s: %+v", architecture, bill)
		}
		listed := map[string]string{}
		for _, c := range bill.Components {
			listed[c.Name] = c.Version
		}
		if got, want := "go"+strings.TrimPrefix(listed["std"], "v"), runtime.Version(); got != want && listed["std"] != want {
			t.Errorf("%s: the standard library is of %s, want %s", architecture, got, want)
		}
		modules := 0
		for line := range strings.Lines(succeed(t, repository, "go", "version", "-m", path)) {
			if f := strings.Fields(line); len(f) > 2 && f[0] == "dep" {
				modules++
				if listed[f[1]] != f[2] {
					t.Errorf("%s lists %s %q, its binary has %s", architecture, f[1], listed[f[1]], f[2])
				}
			}
		}
		if modules == 0 || len(bill.Components) != modules+1 {
			t.Errorf("%s lists %d modules, its binary has %d and the standard library", architecture, len(bill.Components), modules)
		}
	}
}

func binary(repository, architecture string) string {
	return filepath.Join(repository, "dist", "snatd-"+tag+"-linux-"+architecture)
}

// sums are the SHA-256 of the files in a folder, by name.
func sums(t *testing.T, folder string) map[string][sha256.Size]byte {
	t.Helper()
	sums := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		sums[strings.TrimPrefix(path, folder+"/")] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// Package release tests what make release makes: that its bytes follow from the sources
// alone, that the files are what their names say, and that the image holds nothing else.
//
// It makes releases of the sources as they lie here in folders of its own, for which
// modules may be downloaded: no test of it is in a network namespace.
package release

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const (
	// tag is what the releases are called, from the clones' only tag.
	tag = "v0.9.0"
	// source is this project's folder.
	source = "../.."
)

// machines are the architectures, by Go's names for them.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// work is a folder for what is made once, for all tests.
var work string

func TestMain(m *testing.M) {
	var err error
	if work, err = os.MkdirTemp("", "release"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(work)
	os.Exit(code)
}

// first is a repository with a release in it.
var first = sync.OnceValues(func() (string, error) {
	repository := filepath.Join(work, "first")
	if err := commit(repository); err != nil {
		return "", err
	}
	_, err := run(repository, "make", "release")
	return repository, err
})

// released returns the repository in which a release was made.
func released(t *testing.T) string {
	t.Helper()
	repository, err := first()
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

// commit makes a repository of the sources as they lie here, committed or not, with one
// commit and the tag.
func commit(repository string) error {
	listed, err := run(source, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		if err := duplicate(filepath.Join(source, name), filepath.Join(repository, name)); err != nil {
			return err
		}
	}
	for _, arguments := range [][]string{
		{"init", "--quiet"}, {"add", "--all"}, {"commit", "--quiet", "--message", "all of it"}, {"tag", tag},
	} {
		if _, err := run(repository, "git", append([]string{"-c", "user.name=nobody", "-c", "user.email=nobody@example.com"}, arguments...)...); err != nil {
			return err
		}
	}
	return nil
}

// duplicate copies a file, and makes its folder. One that git lists and that is gone was
// removed and not committed yet.
func duplicate(from, to string) error {
	content, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

// run runs a command in a folder, and returns what it says on standard output.
func run(folder, name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Dir = folder
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", command, err, out, &stderr)
	}
	return string(out), nil
}

// succeed is run for what must not fail.
func succeed(t *testing.T, folder, name string, arguments ...string) string {
	t.Helper()
	out, err := run(folder, name, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

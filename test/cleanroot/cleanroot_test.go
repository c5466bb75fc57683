// Package cleanroot tests that the README's first commands need git, make and Go only: in
// a Debian with nothing else that anybody would install, as root and as a plain user.
//
// It takes long, and so runs only when it is asked for, as .ci/run does:
//
//	SNATD_TEST_CLEANROOT=/var/tmp/cleanroot go test -v -timeout 60m ./test/cleanroot
//
// The folder is where the Debian is made, with debootstrap, and found again next time. Go,
// the modules that are downloaded and what is compiled already are this machine's. TESTFLAGS,
// if it is set, is what make test gets, as .ci/run gives it less than all tests.
package cleanroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/snatd/snatd/host/nstest"
)

// project is this project's folder.
const project = "../.."

// script is what a stranger types, after git clone.
const script = `
git clone --quiet "$HOME/snatd.git" .
echo "tools: $(for tool in %s; do command -v $tool || :; done)"
make demo
make test
`

// users are who types it, by their numbers.
var users = []struct {
	name string
	id   int
}{{"plain user", 1000}, {"root", 0}}

// absent are tools that some tests need, and that are not there.
const absent = "nft iptables conntrack ip buildah chromium curl zsh fish promtool wat2wasm clang rustc cargo node gcc"

// notRun is what make test has to say at its end, of each.
var notRun = []string{
	"nft", "iptables", "conntrack", "ip", "buildah", "chromium", "curl", "zsh", "fish", "bash-completion", "promtool", "wat2wasm",
	"the SDK in c", "the SDK in rust", "the SDK in assemblyscript", "a real API server",
}

func TestCleanRoot(t *testing.T) {
	base := os.Getenv("SNATD_TEST_CLEANROOT")
	if base == "" {
		t.Skip("runs for minutes, and only with SNATD_TEST_CLEANROOT set to a folder for the clean root")
	}
	if os.Geteuid() != 0 {
		t.Fatal("a root filesystem is made by root only")
	}
	nstest.Need(t, "debootstrap", "debootstrap")
	bootstrap(t, base)
	for _, user := range users {
		t.Run(user.name, func(t *testing.T) { follow(t, base, user.id) })
	}
}

// bootstrap makes the root filesystem, if it is not there.
func bootstrap(t *testing.T, base string) {
	t.Helper()
	complete := filepath.Join(base, "complete")
	if _, err := os.Stat(complete); err == nil {
		return
	} else if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	run(t, exec.Command("debootstrap", "--variant=minbase", "--include=git,make,ca-certificates", "bookworm", base))
	// Which an installer writes, and no package.
	hosts := []byte("127.0.0.1 localhost\n")
	if err := errors.Join(os.WriteFile(filepath.Join(base, "etc/hosts"), hosts, 0o644), os.WriteFile(complete, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// follow has one user do what the README says.
func follow(t *testing.T, base string, user int) {
	t.Helper()
	clone, err := filepath.Abs(project)
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(base, "..", fmt.Sprintf("%s-%d-%d", filepath.Base(base), os.Getpid(), user))
	if err := os.MkdirAll(filepath.Join(work, "home"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(work); err != nil {
			t.Error(err)
		}
	})
	run(t, exec.Command("git", "clone", "--quiet", "--bare", clone, filepath.Join(work, "home", "snatd.git")))

	command := exec.Command("./enter.sh", fmt.Sprint(user), fmt.Sprintf(script, absent))
	command.Env = append(os.Environ(), "BASE="+base, "WORK="+work, "CLONE="+clone)
	for _, name := range []string{"GOROOT", "GOMODCACHE", "GOCACHE", "GOPROXY"} {
		command.Env = append(command.Env, name+"="+strings.TrimSpace(run(t, exec.Command("go", "env", name))))
	}
	// All that it starts dies with it, and its mounts are gone with it; it dies with this
	// thread, which the test keeps.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	out := run(t, command)

	if want := "tools: \n"; !strings.Contains(out, want) {
		t.Errorf("the root is not clean:\n%s", out)
	}
	if !regexp.MustCompile(`(?m)^\s*All \d+ exchanges were seen as they should be`).MatchString(out) {
		t.Errorf("make demo does not end well:\n%s", out)
	}
	tested := len(regexp.MustCompile(`(?m)^ok  \t`).FindAllString(out, -1))
	if strings.Contains(out, "(cached)") || tested < 40 {
		t.Errorf("make test ran %d packages:\n%s", tested, out)
	}
	_, end, _ := strings.Cut(out, "not run: ")
	for _, what := range notRun {
		if !regexp.MustCompile(`(?m)\b` + regexp.QuoteMeta(what) + `\b`).MatchString(end) {
			t.Errorf("make test does not say that what needs %s did not run:\n%s", what, end)
		}
	}
	t.Logf("%d packages were tested; not run: %s", tested, end)
}

// run runs a command that must not fail, and returns what it says.
func run(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

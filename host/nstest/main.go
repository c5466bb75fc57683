// Package nstest gives tests network namespaces of their own: packets, rules
// and routes of a test never meet the machine's. It is for tests only and
// knows nothing about snatd.
package nstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// isolation says, in the environment of the test binary, where it runs: unset
// before Main has started it again, then one of the values below.
const (
	isolation    = "SNATD_NSTEST"
	isolatedRoot = "root"         // namespaces made by the machine's root
	isolatedUser = "user"         // namespaces inside a user namespace
	notIsolated  = "unavailable:" // with the reason after it
)

// Main is the body of TestMain of packages whose tests call New. It runs the
// tests in a second process with its own network and mount namespace, so that
// even a test that forgets New cannot touch the machine. A user who is not root
// gets a user namespace too, and is root in there.
func Main(m *testing.M) {
	if os.Getenv(isolation) != "" {
		os.Exit(m.Run())
	}
	// The second process dies with the thread that started it.
	runtime.LockOSThread()
	command := exec.Command("/proc/self/exe", os.Args[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	command.Env = append(os.Environ(), isolation+"="+isolatedRoot)
	if os.Geteuid() != 0 {
		command.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		command.Env = append(os.Environ(), isolation+"="+isolatedUser)
	}
	if err := command.Start(); err != nil {
		// Tests that need no namespace still run here; New reports the reason.
		if err := os.Setenv(isolation, notIsolated+err.Error()); err != nil {
			fmt.Fprintln(os.Stderr, "nstest:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	err := command.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "nstest:", err)
	}
	// A process that a signal ended has the exit code -1.
	os.Exit(max(command.ProcessState.ExitCode(), btoi(err != nil)))
}

// InUserNamespace tells that the tests are root only in a user namespace, where
// the kernel keeps some limits that it lifts for the machine's root.
func InUserNamespace() bool { return os.Getenv(isolation) == isolatedUser }

// Need ends the test if a command is missing: on CI as failed, elsewhere as
// skipped. pkg is the Debian package to install.
func Need(t testing.TB, command, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		missing(t, fmt.Sprintf("%s is not installed: apt-get install %s", command, pkg))
	}
}

// missing ends the test for a reason that lies in the machine.
func missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

func requireIsolation(t testing.TB) {
	t.Helper()
	switch where := os.Getenv(isolation); {
	case where == "":
		t.Fatal("the package of this test has no TestMain that calls nstest.Main")
	case strings.HasPrefix(where, notIsolated):
		missing(t, "network namespaces need root or user namespaces: "+strings.TrimPrefix(where, notIsolated))
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

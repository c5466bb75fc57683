package netspace

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// mainVariable chooses what the test binary does in place of its tests.
const mainVariable = "SNATD_NETSPACE_TEST_MAIN"

var mains = map[string]func() int{
	"exit": func() int { return 7 },
	"kill": func() int {
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		return 0
	},
}

func TestMain(m *testing.M) {
	run := m.Run
	if other, ok := mains[os.Getenv(mainVariable)]; ok {
		run = other
	}
	code, err := Enter(run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "netspace:", err)
	}
	os.Exit(code)
}

func TestExitCode(t *testing.T) {
	for _, test := range []struct {
		main string
		code int
	}{
		{"exit", 7},
		{"kill", 128 + 9},
	} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), mainVariable+"="+test.main)
		_ = cmd.Run() // its error says what the exit code says
		if got := cmd.ProcessState.ExitCode(); got != test.code {
			t.Errorf("%s: exit code %d, want %d", test.main, got, test.code)
		}
	}
}

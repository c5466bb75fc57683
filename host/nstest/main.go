// Package nstest gives tests network namespaces of their own: packets, rules
// and routes of a test never meet the machine's. It is for tests only and
// knows nothing about snatd.
package nstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/netspace"
)

var errNoMain = errors.New("the package of this test has no TestMain that calls nstest.Main")

// outside is why this process is not in namespaces of its own; nil if it is.
var outside = errNoMain

// Main is the body of TestMain of packages whose tests call New. It runs the
// tests in a second process with its own network and mount namespace, so that
// even a test that forgets New cannot touch the machine. A user who is not root
// gets a user namespace too, and is root in there.
func Main(m *testing.M) {
	code, err := netspace.Enter(func() int {
		outside = nil
		return m.Run()
	})
	if err != nil {
		// Tests that need no namespace still run here; New tells the reason.
		outside = err
		code = m.Run()
	}
	os.Exit(code)
}

// InUserNamespace tells that the tests are root only in a user namespace, where
// the kernel keeps some limits that it lifts for the machine's root.
func InUserNamespace() bool {
	users, _ := os.ReadFile("/proc/self/uid_map") // missing: no user namespaces in this kernel
	const machine = "0 0 4294967295"
	return len(users) > 0 && strings.Join(strings.Fields(string(users)), " ") != machine
}

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

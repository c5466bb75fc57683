package nstest

import (
	"errors"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/netspace"
)

// Namespace is a network namespace that is gone with the test.
type Namespace struct {
	t     testing.TB
	space *netspace.Namespace
}

// New makes a network namespace whose loopback interface is up.
func New(t testing.TB) *Namespace {
	t.Helper()
	if errors.Is(outside, errNoMain) {
		t.Fatal(outside)
	}
	if outside != nil {
		missing(t, outside.Error())
	}
	space, err := netspace.New(t.Name())
	if errors.Is(err, unix.EPERM) {
		// A user namespace that grants nothing, as some distributions make it.
		missing(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = space.Close() })
	return &Namespace{t, space}
}

// Do calls f in the namespace. Sockets that f opens and commands that it
// starts stay in the namespace; goroutines that it starts do not.
func (n *Namespace) Do(f func()) {
	n.t.Helper()
	err := n.space.Do(func() error {
		f()
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// packages are the Debian packages of the commands that tests run in namespaces.
var packages = map[string]string{"ip": "iproute2", "nft": "nftables", "conntrack": "conntrack"}

// Run runs a command in the namespace and returns what it printed. A command
// that fails ends the test, and so does one that is missing, as Need says.
func (n *Namespace) Run(command string, args ...string) string {
	n.t.Helper()
	text, err := n.Try(command, args...)
	if err != nil {
		n.t.Fatalf("%s %q: %v\n%s", command, args, err, text)
	}
	return text
}

// Try is Run for commands that may fail.
func (n *Namespace) Try(command string, args ...string) (string, error) {
	n.t.Helper()
	if pkg, ok := packages[command]; ok {
		Need(n.t, command, pkg)
	}
	var text []byte
	var err error
	n.Do(func() { text, err = exec.Command(command, args...).CombinedOutput() })
	return string(text), err
}

// Sysctl writes a value of /proc/sys/net, "ipv4/ip_forward" for example.
func (n *Namespace) Sysctl(key, value string) {
	n.t.Helper()
	if err := n.space.SetSysctls(key + "=" + value); err != nil {
		n.t.Fatal(err)
	}
}

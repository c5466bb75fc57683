package nstest

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Namespace is a network namespace without a name; it is gone with the test.
type Namespace struct {
	t      testing.TB
	handle netns.NsHandle
}

// New makes a network namespace whose loopback interface is up.
func New(t testing.TB) *Namespace {
	t.Helper()
	requireIsolation(t)
	handle, err := unshare()
	if errors.Is(err, unix.EPERM) {
		// A user namespace that grants nothing, as some distributions make it.
		missing(t, "network namespaces need root or user namespaces: "+err.Error())
	}
	if err != nil {
		t.Fatal("new network namespace:", err)
	}
	n := &Namespace{t: t, handle: handle}
	t.Cleanup(func() { _ = handle.Close() })
	n.Do(func() {
		lo, err := netlink.LinkByName("lo")
		if err == nil {
			err = netlink.LinkSetUp(lo)
		}
		if err != nil {
			t.Fatal("loopback interface:", err)
		}
	})
	return n
}

// Do calls f in the namespace. Sockets that f opens and commands that it
// starts stay in the namespace; goroutines that it starts do not.
func (n *Namespace) Do(f func()) {
	n.t.Helper()
	runtime.LockOSThread()
	before, err := netns.Get()
	if err != nil {
		n.t.Fatal("current network namespace:", err)
	}
	defer func() { _ = before.Close() }()
	if err := netns.Set(n.handle); err != nil {
		n.t.Fatal("enter network namespace:", err)
	}
	defer func() {
		// A thread that cannot go back stays locked and ends with its goroutine.
		if err := netns.Set(before); err != nil {
			n.t.Error("leave network namespace:", err)
			return
		}
		runtime.UnlockOSThread()
	}()
	f()
}

// Run runs a command in the namespace and returns what it printed. A command
// that fails ends the test.
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
	var text []byte
	var err error
	n.Do(func() { text, err = exec.Command(command, args...).CombinedOutput() })
	return string(text), err
}

// Sysctl writes a value of /proc/sys/net, "ipv4/ip_forward" for example.
func (n *Namespace) Sysctl(key, value string) {
	n.t.Helper()
	n.Do(func() {
		if err := os.WriteFile("/proc/sys/net/"+key, []byte(value), 0); err != nil {
			n.t.Fatal("sysctl:", err)
		}
	})
}

// unshare makes a namespace and comes back to the current one.
func unshare() (netns.NsHandle, error) {
	runtime.LockOSThread()
	before, err := netns.Get()
	if err != nil {
		return netns.None(), err
	}
	defer func() { _ = before.Close() }()
	made, err := netns.New()
	if err != nil {
		runtime.UnlockOSThread()
		return netns.None(), err
	}
	if err := netns.Set(before); err != nil {
		return netns.None(), errors.Join(err, made.Close())
	}
	runtime.UnlockOSThread()
	return made, nil
}

package netspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Namespace is a network namespace. The caller closes it.
type Namespace struct {
	name   string // in errors only
	handle netns.NsHandle
	links  *netlink.Handle
}

// initial are the sysctls that go before a namespace's own: those that new
// namespaces inherit from the machine. An interface has the larger of its own
// rp_filter and that of "all", and "default" is what later interfaces begin with.
var initial = []string{
	"ipv4/ip_forward=0",
	"ipv4/conf/all/rp_filter=0",
	"ipv4/conf/default/rp_filter=0",
	"ipv4/conf/all/log_martians=0",
	"ipv4/conf/default/log_martians=0",
}

// New makes a namespace in which only the loopback interface is up. It drops no
// packet because of its source, and forwards none, unless sysctls, as for
// [Namespace.SetSysctls], say otherwise. The name is for errors.
func New(name string, sysctls ...string) (*Namespace, error) {
	handle, err := unshare()
	if err != nil {
		return nil, fmt.Errorf("%s: new network namespace: %w", name, Explain(err))
	}
	n := &Namespace{name: name, handle: handle}
	if err := n.prepare(sysctls); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Namespace) prepare(sysctls []string) (err error) {
	if n.links, err = netlink.NewHandleAt(n.handle); err != nil {
		return fmt.Errorf("%s: netlink: %w", n.name, err)
	}
	if err := n.Interface("lo").setUp(); err != nil {
		return err
	}
	return n.SetSysctls(slices.Concat(initial, sysctls)...)
}

// Do runs fn on a thread inside the namespace. Sockets belong to the namespace
// that they are made in, for good, and so do processes that fn starts;
// goroutines that it starts run outside.
func (n *Namespace) Do(fn func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outside, err := netns.Get()
	if err != nil {
		return fmt.Errorf("%s: own network namespace: %w", n.name, err)
	}
	defer func() { _ = outside.Close() }()
	if err := netns.Set(n.handle); err != nil {
		return fmt.Errorf("%s: enter network namespace: %w", n.name, err)
	}
	defer comeBack(outside)
	return fn()
}

// Netlink is the namespace's interfaces, routes, rules and connections, until it
// is closed.
func (n *Namespace) Netlink() *netlink.Handle { return n.links }

// SetSysctls writes "path=value" below /proc/sys/net, which shows each thread
// its own network namespace. One with "-" before it may be unknown to the kernel.
func (n *Namespace) SetSysctls(sysctls ...string) error {
	return n.Do(func() error {
		for _, s := range sysctls {
			s, optional := strings.CutPrefix(s, "-")
			path, value, _ := strings.Cut(s, "=")
			err := os.WriteFile("/proc/sys/net/"+path, []byte(value), 0)
			if err != nil && (!optional || !errors.Is(err, fs.ErrNotExist)) {
				return fmt.Errorf("%s: set sysctl: %w", n.name, err)
			}
		}
		return nil
	})
}

// Close lets go of the namespace. The kernel removes it, with its interfaces,
// when no process and no socket is left inside.
func (n *Namespace) Close() error {
	if n.links != nil {
		n.links.Close()
	}
	return n.handle.Close()
}

// unshare makes a namespace and comes back to the present one.
func unshare() (netns.NsHandle, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outside, err := netns.Get()
	if err != nil {
		return netns.None(), err
	}
	defer func() { _ = outside.Close() }()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return netns.None(), err
	}
	defer comeBack(outside)
	return netns.Get()
}

// comeBack must not fail: the thread goes back to other goroutines, which would
// act in the wrong network.
func comeBack(outside netns.NsHandle) {
	if err := netns.Set(outside); err != nil {
		panic(fmt.Sprintf("netspace: a thread cannot return to its network namespace: %v", err))
	}
}

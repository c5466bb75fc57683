package lab

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Host is a network namespace: the node, a pod, the fabric, or a host in one of
// the networks.
type Host struct {
	Name string
	// Addr is where the host answers; the fabric has none.
	Addr netip.Addr

	ns        netns.NsHandle
	links     *netlink.Handle
	peer      *peer
	processes processes
}

// newHost makes a namespace in which only the loopback interface is up. Its
// sysctls do not depend on the machine's, which new namespaces inherit.
func newHost(name string, addr netip.Addr, sysctls ...string) (*Host, error) {
	ns, err := newNamespace()
	if err != nil {
		return nil, fmt.Errorf("%s: new network namespace: %w", name, forbidden(err))
	}
	h := &Host{Name: name, Addr: addr, ns: ns}
	if h.links, err = netlink.NewHandleAt(ns); err != nil {
		_ = ns.Close()
		return nil, fmt.Errorf("%s: netlink: %w", name, err)
	}
	if err := h.setUp("lo"); err != nil {
		h.close()
		return nil, err
	}
	if err := h.setSysctls(append(commonSysctls, sysctls...)...); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// commonSysctls go before a host's own. An interface has the larger of its own
// rp_filter and that of "all", and "default" is what later interfaces begin with.
var commonSysctls = []string{
	"ipv4/ip_forward=0",
	"ipv4/conf/all/rp_filter=0",
	"ipv4/conf/default/rp_filter=0",
	"ipv4/conf/all/log_martians=0",
	"ipv4/conf/default/log_martians=0",
	// The peer answers in the kernel's place, with the address that it saw.
	"ipv4/icmp_echo_ignore_all=1",
}

// Do runs fn on a thread inside the host's namespace. Sockets belong to the
// namespace that they are made in, for good; goroutines that fn starts run
// outside.
func (h *Host) Do(fn func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outside, err := netns.Get()
	if err != nil {
		return fmt.Errorf("%s: own network namespace: %w", h.Name, err)
	}
	defer func() { _ = outside.Close() }()
	if err := netns.Set(h.ns); err != nil {
		return fmt.Errorf("%s: enter network namespace: %w", h.Name, err)
	}
	defer comeBack(outside)
	return fn()
}

// Netlink is the host's interfaces, addresses, routes and rules. It is closed
// with the lab.
func (h *Host) Netlink() *netlink.Handle { return h.links }

// close ends what runs on the host. The kernel removes the namespace with its
// last process and file descriptor.
func (h *Host) close() {
	h.processes.kill()
	if h.peer != nil {
		h.peer.close()
	}
	h.links.Close()
	_ = h.ns.Close()
}

// setSysctls writes "path=value" below /proc/sys/net, which shows each thread
// its own network namespace.
func (h *Host) setSysctls(settings ...string) error {
	return h.Do(func() error {
		for _, s := range settings {
			path, value, _ := strings.Cut(s, "=")
			if err := os.WriteFile("/proc/sys/net/"+path, []byte(value), 0); err != nil {
				return fmt.Errorf("%s: set sysctl: %w", h.Name, err)
			}
		}
		return nil
	})
}

func newNamespace() (netns.NsHandle, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	outside, err := netns.Get()
	if err != nil {
		return netns.None(), err
	}
	defer func() { _ = outside.Close() }()
	ns, err := netns.New()
	if err != nil {
		return netns.None(), err
	}
	comeBack(outside)
	return ns, nil
}

// comeBack must not fail: the thread goes back to other goroutines, which would
// act in the wrong network.
func comeBack(outside netns.NsHandle) {
	if err := netns.Set(outside); err != nil {
		panic(fmt.Sprintf("lab: a thread cannot return to its network namespace: %v", err))
	}
}

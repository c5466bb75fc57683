package lab

import (
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/snatd/snatd/host/netspace"
)

// Host is a network namespace: the node, a pod, the fabric, or a host in one of
// the networks.
type Host struct {
	Name string
	// Addr is where the host answers; the fabric has none.
	Addr netip.Addr

	space     *netspace.Namespace
	peer      *peer
	processes processes
}

// newHost makes a namespace in which only the loopback interface is up.
func newHost(name string, addr netip.Addr, sysctls ...string) (*Host, error) {
	// The peer answers in the kernel's place, with the address that it saw.
	space, err := netspace.New(name, append(sysctls, "ipv4/icmp_echo_ignore_all=1")...)
	if err != nil {
		return nil, err
	}
	return &Host{Name: name, Addr: addr, space: space}, nil
}

// Do runs fn on a thread inside the host's namespace. Sockets belong to the
// namespace that they are made in, for good; goroutines that fn starts run
// outside.
func (h *Host) Do(fn func() error) error { return h.space.Do(fn) }

// Netlink is the host's interfaces, addresses, routes and rules. It is closed
// with the lab.
func (h *Host) Netlink() *netlink.Handle { return h.space.Netlink() }

// close ends what runs on the host. The kernel removes the namespace with its
// last process and file descriptor.
func (h *Host) close() {
	h.processes.kill()
	if h.peer != nil {
		h.peer.close()
	}
	_ = h.space.Close()
}

package lab

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/netspace"
)

// eni is an interface of the node to the VPC.
type eni struct {
	name   string // on the node
	fabric string // the other end
	addr   netip.Addr
	// table is the routing table of pods behind the interface; 0: the main one.
	table int
}

var (
	primary   = eni{name: "eth0", fabric: "node-eth0", addr: NodePrimary}
	secondary = eni{name: "eth1", fabric: "node-eth1", addr: NodeSecondary, table: 2}
)

// PrimaryInterface is the name of the node's primary interface.
const PrimaryInterface = "eth0"

// PodInterfaces are the names of the node's interfaces that pods are behind.
const PodInterfaces = "eni*"

// Priorities of the AWS VPC CNI plugin's rules.
const (
	priorityToPod         = 512
	priorityFromPod       = 1536
	priorityFromInterface = 32765
)

// addNode adds the node, without its interfaces. The reverse path filter is
// loose, as the AWS VPC CNI plugin sets it: by design, answers to one interface
// may come to a connection that left by another. ARP requests carry an address of
// the interface that they leave by: the fabric would not answer another, and the
// packet whose source it should check would never be sent.
func (l *Lab) addNode() (*Host, error) {
	return l.add("node", NodePrimary, "ipv4/ip_forward=1",
		"ipv4/conf/default/rp_filter=2", "ipv4/conf/default/arp_announce=2")
}

// AddNodeAddress gives the node another address, assigned to its primary
// interface.
func (l *Lab) AddNodeAddress(addr netip.Addr) error {
	if err := l.assign(addr, primary); err != nil {
		return err
	}
	return l.Node.space.Interface(primary.name).AddAddress(only(addr), 0)
}

// attach connects an interface of the node to the fabric.
func (l *Lab) attach(ctx context.Context, e eni) error {
	node := l.Node.space.Interface(e.name)
	if err := netspace.Connect(ctx, node, l.Fabric.space.Interface(e.fabric)); err != nil {
		return err
	}
	if err := l.attachFabric(e); err != nil {
		return err
	}
	via := gateway(e.addr, interfaceSubnetBits)
	addr := netip.PrefixFrom(e.addr, interfaceSubnetBits)
	if e.table == 0 {
		if err := node.AddAddress(addr, 0); err != nil {
			return err
		}
		return node.AddRoute(netspace.Route{To: everywhere, Via: via})
	}
	// The main table knows nothing of a secondary interface, not even its subnet.
	if err := node.AddAddress(addr, unix.IFA_F_NOPREFIXROUTE); err != nil {
		return err
	}
	if err := node.AddRoute(netspace.Route{To: only(via), Table: e.table}); err != nil {
		return err
	}
	if err := node.AddRoute(netspace.Route{To: everywhere, Via: via, Table: e.table}); err != nil {
		return err
	}
	return l.Node.addRule(rule{Priority: priorityFromInterface, From: e.addr, Table: e.table})
}

// rule sends packets to a routing table by one of their addresses.
type rule struct {
	Priority int
	From, To netip.Addr // one of them
	Table    int
}

func (h *Host) addRule(r rule) error {
	kernel := netlink.NewRule()
	kernel.Family = unix.AF_INET
	kernel.Priority, kernel.Table = r.Priority, r.Table
	if r.From.IsValid() {
		kernel.Src = netlink.NewIPNet(r.From.AsSlice())
	}
	if r.To.IsValid() {
		kernel.Dst = netlink.NewIPNet(r.To.AsSlice())
	}
	if err := h.Netlink().RuleAdd(kernel); err != nil {
		return fmt.Errorf("%s: add rule %d: %w", h.Name, r.Priority, err)
	}
	return nil
}

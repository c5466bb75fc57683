package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/snatd/snatd/host/netspace"
)

// addFabric adds the VPC's router. Its strict reverse path filter accepts a
// source only from the link that it would send answers to: with a route for each
// address of an interface and no default route, that is EC2's source/destination
// check.
func (l *Lab) addFabric() (*Host, error) {
	return l.add("fabric", netip.Addr{}, "ipv4/ip_forward=1", "ipv4/conf/default/rp_filter=1")
}

// attachFabric gives the fabric its side of an interface of the node.
func (l *Lab) attachFabric(e eni) error {
	// Not the subnet: that would let any address in it pass the check.
	fabric := l.Fabric.space.Interface(e.fabric)
	if err := fabric.AddAddress(only(gateway(e.addr, interfaceSubnetBits)), 0); err != nil {
		return err
	}
	return fabric.AddRoute(netspace.Route{To: only(e.addr)})
}

// assign makes an address one of an interface's own, as EC2's
// AssignPrivateIpAddresses does.
func (l *Lab) assign(addr netip.Addr, e eni) error {
	return l.Fabric.space.Interface(e.fabric).AddRoute(netspace.Route{To: only(addr), Via: e.addr})
}

// addHost adds a host behind the fabric, in a subnet of its own.
func (l *Lab) addHost(ctx context.Context, name string, addr netip.Addr) (*Host, error) {
	h, err := l.add(name, addr)
	if err != nil {
		return nil, err
	}
	eth0, fabric := h.space.Interface("eth0"), l.Fabric.space.Interface(name)
	if err := netspace.Connect(ctx, eth0, fabric); err != nil {
		return nil, err
	}
	via := gateway(addr, hostSubnetBits)
	if err := fabric.AddAddress(netip.PrefixFrom(via, hostSubnetBits), 0); err != nil {
		return nil, err
	}
	if err := eth0.AddAddress(netip.PrefixFrom(addr, hostSubnetBits), 0); err != nil {
		return nil, err
	}
	if err := eth0.AddRoute(netspace.Route{To: everywhere, Via: via}); err != nil {
		return nil, err
	}
	return h, h.answer()
}

// Dropped is how many packets the fabric has dropped because of their source.
func (l *Lab) Dropped() (uint64, error) {
	var text []byte
	err := l.Fabric.Do(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/netstat")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: read counters: %w", l.Fabric.Name, err)
	}
	return counter(string(text), "TcpExt:", "IPReversePathFilter")
}

// counter finds a counter in a text of which each group has two lines that begin
// alike, the first with the names and the second with the values.
func counter(text, group, name string) (uint64, error) {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != group {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i := range min(len(names), len(fields)) {
			if names[i] == name {
				return strconv.ParseUint(fields[i], 10, 64)
			}
		}
	}
	return 0, fmt.Errorf("the kernel has no counter %s %s", group, name)
}

package engine

import (
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/aws"
	"github.com/snatd/snatd/host/link"
)

// Interface is a network interface of the instance, as EC2 and the node know it.
type Interface struct {
	// Name is the node's name for it; empty while the node has none with that MAC.
	Name string `json:"name,omitempty"`
	MAC  string `json:"mac"`
	// Device is its device number, on the network card Card.
	Card   int `json:"card"`
	Device int `json:"device"`
	// Primary says that it is the instance's primary interface.
	Primary bool `json:"primary,omitempty"`
	// Subnet is the IPv4 CIDR of its subnet, Addresses are its private IPv4
	// addresses, and Prefixes those that are delegated to it.
	Subnet    netip.Prefix   `json:"subnet,omitzero"`
	Addresses []netip.Addr   `json:"addresses,omitempty"`
	Prefixes  []netip.Prefix `json:"prefixes,omitempty"`
}

// Interfaces are those that EC2 has attached, with the names that they have on
// the node now; none if the metadata service is not followed.
func (s *State) Interfaces() (list []Interface) {
	if s.instance == nil {
		return nil
	}
	for _, n := range s.instance.Interfaces {
		i := Interface{MAC: n.MAC, Card: n.Card, Device: n.Device, Primary: n.MAC == s.instance.PrimaryMAC,
			Subnet: n.SubnetCIDR, Addresses: n.Addresses, Prefixes: n.Prefixes}
		// One that the node does not have (yet) has no name.
		i.Name, _ = link.ByMAC(n.MAC, n.PrimaryAddress())
		list = append(list, i)
	}
	return list
}

// unread lists the interfaces whose subnets have another route table than the one
// that is read, as far as that can be seen: the one of the primary interface's.
func unread(instance *aws.Instance, p *problems) {
	if instance == nil {
		return
	}
	subnet := instance.Primary().SubnetCIDR
	for _, n := range instance.Interfaces {
		if len(n.Addresses) > 0 && n.SubnetCIDR != subnet {
			p.add(moduleSource+RoutesModule, fmt.Errorf("interface %s is in the subnet %s: pods behind it leave by that subnet's route table, and the one of %s is read",
				n.MAC, n.SubnetCIDR, subnet))
		}
	}
}

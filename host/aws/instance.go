// Package aws reads facts from Amazon's services: what the instance metadata
// service (IMDS) tells about the instance that snatd runs on, and what the EC2
// API tells about the network around it.
//
// It is the only importer of the AWS SDK. What it hands out is checked, complete
// and its own types: what a service said in part or wrongly never leaves here.
// What follows from the facts is for others to say.
package aws

import (
	"net/netip"
	"slices"
)

// Instance is an EC2 instance and its network as one look at IMDS found them. It
// is immutable, and in canonical order: equal instances are Equal.
type Instance struct {
	// Region, Zone, ID and Type are from the instance identity document:
	// "eu-west-1", "eu-west-1a", "i-0123456789abcdef0", "m5.large".
	Region, Zone, ID, Type string
	// PrimaryMAC is the MAC of the primary network interface, one of Interfaces.
	PrimaryMAC string
	// SubnetID and VPCID are where the primary interface is, such as
	// "subnet-0123456789abcdef0" and "vpc-0123456789abcdef0".
	SubnetID, VPCID string
	// VPCCIDRs are all IPv4 CIDRs of the primary interface's VPC, ascending; at
	// least one.
	VPCCIDRs []netip.Prefix
	// Interfaces are in the order of their cards and devices.
	Interfaces []Interface
}

// Interface is an attached network interface.
type Interface struct {
	// MAC is in lower case, with colons.
	MAC string
	// Card is the index of the network card, 0 where an instance has only one.
	Card int
	// Device is the device number, unique on a card but not on the instance.
	Device int
	// SubnetCIDR is the IPv4 CIDR of its subnet; the zero Prefix if it has none,
	// which is so only without Addresses.
	SubnetCIDR netip.Prefix
	// Addresses are its private IPv4 addresses: its primary one, then the others
	// ascending. An interface for IPv6 or for EFA alone has none.
	Addresses []netip.Addr
	// Prefixes are the IPv4 prefixes delegated to it, ascending.
	Prefixes []netip.Prefix
}

// Equal tells that both are the same in everything. It is false if one is nil.
func (i *Instance) Equal(other *Instance) bool {
	if i == nil || other == nil {
		return i == other
	}
	return i.Region == other.Region && i.Zone == other.Zone && i.ID == other.ID && i.Type == other.Type &&
		i.PrimaryMAC == other.PrimaryMAC && i.SubnetID == other.SubnetID && i.VPCID == other.VPCID &&
		slices.Equal(i.VPCCIDRs, other.VPCCIDRs) &&
		slices.EqualFunc(i.Interfaces, other.Interfaces, Interface.Equal)
}

// Equal tells that both are the same in everything.
func (i Interface) Equal(other Interface) bool {
	return i.MAC == other.MAC && i.Card == other.Card && i.Device == other.Device && i.SubnetCIDR == other.SubnetCIDR &&
		slices.Equal(i.Addresses, other.Addresses) &&
		slices.Equal(i.Prefixes, other.Prefixes)
}

// Primary is the primary interface.
func (i *Instance) Primary() Interface {
	at := slices.IndexFunc(i.Interfaces, func(n Interface) bool { return n.MAC == i.PrimaryMAC })
	if at < 0 {
		return Interface{} // of an instance that no look has given
	}
	return i.Interfaces[at]
}

// PrimaryAddress is the primary private IPv4 address of the interface; the zero
// Addr if it has none.
func (i Interface) PrimaryAddress() netip.Addr {
	if len(i.Addresses) == 0 {
		return netip.Addr{}
	}
	return i.Addresses[0]
}

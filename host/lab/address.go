package lab

import "net/netip"

// Port is where every host answers on TCP and UDP.
const Port = 8080

// Networks of the lab.
var (
	VPCNetwork    = netip.MustParsePrefix("10.0.0.0/16")
	SecondNetwork = netip.MustParsePrefix("100.64.0.0/16") // the VPC's second CIDR
	PeeredNetwork = netip.MustParsePrefix("172.31.0.0/16") // another VPC, peered
)

// Addresses of the lab.
var (
	NodePrimary   = netip.MustParseAddr("10.0.0.10")  // of eth0
	NodeSecondary = netip.MustParseAddr("10.0.64.10") // of eth1
	PodA          = netip.MustParseAddr("10.0.1.5")   // assigned to eth0
	PodB          = netip.MustParseAddr("10.0.65.6")  // assigned to eth1
	VPC           = netip.MustParseAddr("10.0.128.20")
	Second        = netip.MustParseAddr("100.64.0.20")
	Peered        = netip.MustParseAddr("172.31.0.20")
	Internet      = netip.MustParseAddr("198.51.100.20")
	// ServiceAddress is outside of every network, as a Service's cluster IP is.
	ServiceAddress = netip.MustParseAddr("172.20.0.10")
)

// Sizes of the subnets; the router has the first address of each.
const (
	interfaceSubnetBits = 18 // of the node's interfaces
	hostSubnetBits      = 24 // of the hosts behind the fabric
)

// gateway is the router's address in the subnet of addr.
func gateway(addr netip.Addr, bits int) netip.Addr {
	return netip.PrefixFrom(addr, bits).Masked().Addr().Next()
}

// everywhere is the destination of a default route.
var everywhere = netip.MustParsePrefix("0.0.0.0/0")

// only is the prefix that covers one address.
func only(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, 32) }

// podGateway is the next hop of every pod, as the AWS VPC CNI plugin has it: an
// address that no host has, with a permanent neighbour entry in each pod.
var podGateway = netip.MustParseAddr("169.254.1.1")

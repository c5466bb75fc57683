package aws

import (
	"slices"

	"github.com/snatd/snatd/host/facts"
)

// Network is what one look at the EC2 API found of the network around the
// instance. It is immutable, and in canonical order: equal networks are Equal.
type Network struct {
	// Routes are the IPv4 routes in force in the route table of the subnet, by
	// their destinations, each of which is there once; at least one, at most 3,000.
	// Those to the entries of a prefix list are not among them if they are
	// blackholes.
	Routes []facts.Route
	// PrefixLists are those that the options name, by their IDs; without those that
	// could never be read.
	PrefixLists []facts.PrefixList
	// Peerings are the active peering connections of the VPC, by their IDs.
	Peerings []facts.Peering
}

// Equal tells that both are the same in everything. It is false if one is nil.
func (n *Network) Equal(other *Network) bool {
	if n == nil || other == nil {
		return n == other
	}
	return slices.Equal(n.Routes, other.Routes) &&
		slices.EqualFunc(n.PrefixLists, other.PrefixLists, func(a, b facts.PrefixList) bool {
			return a.ID == b.ID && a.Name == b.Name && slices.Equal(a.CIDRs, b.CIDRs)
		}) &&
		slices.EqualFunc(n.Peerings, other.Peerings, func(a, b facts.Peering) bool {
			return a.ID == b.ID && slices.Equal(a.CIDRs, b.CIDRs)
		})
}

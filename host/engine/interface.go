package engine

import (
	"net/netip"

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
	// Addresses are its private IPv4 addresses.
	Addresses []netip.Addr `json:"addresses,omitempty"`
}

// Interfaces are those that EC2 has attached, with the names that they have on
// the node now; none if the metadata service is not followed.
func (s *State) Interfaces() (list []Interface) {
	if s.instance == nil {
		return nil
	}
	for _, n := range s.instance.Interfaces {
		i := Interface{MAC: n.MAC, Card: n.Card, Device: n.Device, Primary: n.MAC == s.instance.PrimaryMAC, Addresses: n.Addresses}
		var own netip.Addr
		if len(n.Addresses) > 0 {
			own = n.Addresses[0]
		}
		// One that the node does not have (yet) has no name.
		i.Name, _ = link.ByMAC(n.MAC, own)
		list = append(list, i)
	}
	return list
}

package link

import (
	"errors"
	"net/netip"
	"testing"
)

// Interfaces share a hardware address as they do where a node's first interface
// is below a bridge or a macvlan. VLANs and bonds, which not every kernel has, are
// told by the same two attributes.
func TestByMAC(t *testing.T) {
	const (
		mac      = "02:00:00:00:00:0a"
		eth0     = "ip link set eth0 address " + mac
		eth1     = "ip link set eth1 address " + mac
		bridge   = "ip link add br0 address " + mac + " type bridge"
		other    = "ip link add br0 address 02:00:00:00:00:0b type bridge"
		port     = "ip link set eth0 master br0"
		onBridge = "ip link add mv0 link br0 address " + mac + " type macvlan"
		onEth0   = "ip link add mv0 link eth0 address " + mac + " type macvlan mode passthru"
		cable    = "ip link add v0 address " + mac + " type veth peer name v1"
		onCable  = "ip link add mv0 link v0 address " + mac + " type macvlan mode passthru"
		addrOn   = "ip addr add 10.0.0.10/24 dev "
		addr     = "10.0.0.10"
	)
	tests := map[string]struct {
		commands []string
		mac      string // of eth0 if it is empty
		addr     string
		want     string
		fails    string
		notYet   bool
	}{
		"one":                         {commands: []string{eth0}, want: "eth0"},
		"one, in capitals":            {commands: []string{eth0}, mac: "02:00:00:00:00:0A", want: "eth0"},
		"one without the address":     {commands: []string{eth0}, addr: addr, want: "eth0"},
		"one, address of another":     {commands: []string{eth0, addrOn + "eth1"}, addr: addr, want: "eth0"},
		"none":                        {commands: []string{eth0}, mac: "02:00:00:00:00:0c", fails: "the network is not ready yet: there is no interface with the address 02:00:00:00:00:0c", notYet: true},
		"port of a bridge":            {commands: []string{eth0, bridge, port}, want: "br0"},
		"port, address on the bridge": {commands: []string{eth0, bridge, port, addrOn + "br0"}, addr: addr, want: "br0"},
		"port, address not there yet": {commands: []string{eth0, bridge, port}, addr: addr, want: "br0"},
		"port, address on the port":   {commands: []string{eth0, bridge, port, addrOn + "eth0"}, addr: addr, want: "eth0"},
		"port of another's bridge":    {commands: []string{eth0, other, port}, want: "eth0"},
		"below a macvlan":             {commands: []string{eth0, onEth0}, want: "eth0"},
		"end of a cable":              {commands: []string{cable, onCable}, want: "v0"},
		"address on the macvlan":      {commands: []string{eth0, onEth0, addrOn + "mv0"}, addr: addr, want: "mv0"},
		"address on both":             {commands: []string{eth0, onEth0, addrOn + "mv0", addrOn + "eth0"}, addr: addr, want: "eth0"},
		"macvlan on a bridge":         {commands: []string{eth0, bridge, port, onBridge}, want: "br0"},
		"addresses on that macvlan":   {commands: []string{eth0, bridge, port, onBridge, addrOn + "mv0"}, addr: addr, want: "mv0"},
		"equals":                      {commands: []string{eth0, eth1}, fails: "several interfaces have the address 02:00:00:00:00:0a: eth0, eth1: network.primaryInterface can name one"},
		"equals, address on one":      {commands: []string{eth0, eth1, addrOn + "eth1"}, addr: addr, want: "eth1"},
		"equals, address on none":     {commands: []string{eth0, eth1}, addr: addr, fails: "the network is not ready yet: none of several interfaces with the address 02:00:00:00:00:0a has 10.0.0.10: eth0, eth1", notYet: true},
		"equals, address on each":     {commands: []string{eth0, eth1, addrOn + "eth0", addrOn + "eth1"}, addr: addr, fails: "several interfaces have the address 02:00:00:00:00:0a: eth0, eth1: network.primaryInterface can name one"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := node(t, test.commands...)
			asked, addr := mac, netip.Addr{}
			if test.mac != "" {
				asked = test.mac
			}
			if test.addr != "" {
				addr = netip.MustParseAddr(test.addr)
			}
			n.Do(func() {
				got, err := ByMAC(asked, addr)
				text := ""
				if err != nil {
					text = err.Error()
				}
				if got != test.want || text != test.fails || errors.Is(err, ErrNotYet) != test.notYet {
					t.Errorf("found %q, error %v, want %q, %q", got, err, test.want, test.fails)
				}
			})
		})
	}
}

package link

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/nstest"
)

func TestMain(m *testing.M) { nstest.Main(m) }

// commands run in a namespace that has the interfaces eth0 and eth1, up and
// without addresses.
func node(t *testing.T, commands ...string) *nstest.Namespace {
	t.Helper()
	nstest.Need(t, "ip", "iproute2")
	n, other := nstest.New(t), nstest.New(t)
	for _, name := range []string{"eth0", "eth1"} {
		nstest.Wire(t, nstest.End{Namespace: n, Interface: name}, nstest.End{Namespace: other, Interface: name})
	}
	for _, command := range commands {
		fields := strings.Fields(command)
		n.Run(fields[0], fields[1:]...)
	}
	return n
}

func TestPrimary(t *testing.T) {
	const (
		eth0     = "ip addr add 10.0.0.10/24 dev eth0"
		eth1     = "ip addr add 10.0.1.10/24 dev eth1"
		default0 = "ip route add default via 10.0.0.1"
		default1 = "ip route add default via 10.0.1.1 metric 5"
	)
	tests := map[string]struct {
		commands []string
		name     string
		addr     string
		want     string // "name address", and the other addresses
		fails    string
		notYet   bool
	}{
		"default route":                {commands: []string{eth0, eth1, default0}, want: "eth0 10.0.0.10"},
		"default route of the other":   {commands: []string{eth0, eth1, default1}, want: "eth1 10.0.1.10"},
		"lowest metric":                {commands: []string{eth0, eth1, default1, default0}, want: "eth0 10.0.0.10"},
		"two next hops":                {commands: []string{eth0, eth1, "ip route add default nexthop via 10.0.1.1 nexthop via 10.0.0.1"}, want: "eth1 10.0.1.10"},
		"not a route to anywhere":      {commands: []string{eth0, eth1, "ip route add unreachable default", default1}, want: "eth1 10.0.1.10"},
		"not the main table":           {commands: []string{eth0, eth1, "ip route add default via 10.0.0.1 table 100", default1}, want: "eth1 10.0.1.10"},
		"configured interface":         {commands: []string{eth0, eth1, default0}, name: "eth1", want: "eth1 10.0.1.10"},
		"first of several addresses":   {commands: []string{eth0, "ip addr add 10.0.0.9/24 dev eth0"}, name: "eth0", want: "eth0 10.0.0.10 10.0.0.9"},
		"configured address":           {commands: []string{eth0, "ip addr add 10.0.0.9/24 dev eth0", default0}, addr: "10.0.0.9", want: "eth0 10.0.0.9 10.0.0.10"},
		"first is link-local":          {commands: []string{"ip addr add 169.254.1.1/16 dev eth0 scope link", eth0}, name: "eth0", want: "eth0 10.0.0.10"},
		"no default route":             {commands: []string{eth0, eth1}, fails: "the network is not ready yet: the main table has no IPv4 default route", notYet: true},
		"no address":                   {name: "eth0", fails: "the network is not ready yet: interface eth0 has no global IPv4 address", notYet: true},
		"no address, one configured":   {name: "eth0", addr: "10.0.0.10", fails: "the network is not ready yet: interface eth0 has no global IPv4 address", notYet: true},
		"link-local only":              {commands: []string{"ip addr add 169.254.1.1/16 dev eth0 scope link"}, name: "eth0", fails: "the network is not ready yet: interface eth0 has no global IPv4 address", notYet: true},
		"no such interface":            {commands: []string{eth0}, name: "ens5", fails: "there is no interface ens5: this node has lo, eth0, eth1"},
		"address of another interface": {commands: []string{eth0, eth1, default0}, addr: "10.0.1.10", fails: "interface eth0 has no address 10.0.1.10: it has 10.0.0.10"},
		"address of nobody":            {commands: []string{eth0, "ip addr add 10.0.0.9/24 dev eth0"}, name: "eth0", addr: "10.9.9.9", fails: "interface eth0 has no address 10.9.9.9: it has 10.0.0.10, 10.0.0.9"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			n := node(t, test.commands...)
			addr := netip.Addr{}
			if test.addr != "" {
				addr = netip.MustParseAddr(test.addr)
			}
			n.Do(func() {
				got, err := Primary(test.name, addr)
				if test.fails != "" {
					if err == nil || err.Error() != test.fails || errors.Is(err, ErrNotYet) != test.notYet {
						t.Errorf("error %v, want %s", err, test.fails)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				text := got.Name + " " + got.Addr.String()
				for _, addr := range got.Addrs {
					if addr != got.Addr {
						text += " " + addr.String()
					}
				}
				if text != test.want {
					t.Errorf("found %s, want %s", text, test.want)
				}
				if line := n.Run("ip", "-oneline", "link", "show", got.Name); !strings.HasPrefix(line, fmt.Sprintf("%d: ", got.Index)) {
					t.Errorf("index %d, but ip says %s", got.Index, line)
				}
			})
		})
	}
}

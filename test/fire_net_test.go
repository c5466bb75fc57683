package test

import (
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
)

// Addresses beside those of a lab.
var (
	// Pods have more addresses in these than namespaces: what counts is the
	// interface that a packet comes by and its source.
	firePrimary   = netip.MustParsePrefix("10.0.2.0/24")
	fireSecondary = netip.MustParsePrefix("10.0.66.0/24")
	// fireEgress are more addresses of the node.
	fireEgress = []netip.Addr{netip.MustParseAddr("10.0.0.11"), netip.MustParseAddr("10.0.0.12")}
	// fireServices lead to other addresses, each in another network.
	fireServices = map[netip.Addr]netip.Addr{
		netip.MustParseAddr("172.20.0.10"): netip.MustParseAddr("172.31.16.9"),
		netip.MustParseAddr("172.20.0.11"): netip.MustParseAddr("198.18.0.9"),
	}
)

// fireNetworks are where destinations are, each behind a peer of the lab; what is
// in none of the others is behind the last one.
var fireNetworks = []netip.Prefix{
	netip.MustParsePrefix("10.0.144.0/20"),  // the VPC
	netip.MustParsePrefix("100.64.16.0/20"), // its second CIDR
	netip.MustParsePrefix("172.31.16.0/20"), // a peered VPC
	netip.MustParsePrefix("0.0.0.0/0"),
}

// fireNet is a lab in which packets to every address come to a peer.
type fireNet struct {
	*lab.Lab
	peers []*lab.Host // of fireNetworks
	// sources are what pods send from: those of sources[i] are in pods[i].
	pods    []*lab.Host
	sources []fireSource
	// destinations are what pods send to.
	destinations []fireDestination
}

type fireSource struct {
	addr netip.Addr
	pod  int
}

type fireDestination struct {
	to, real netip.Addr // they differ where to is a Service's
}

// newFireNet gives each of four pods so many addresses, and chooses destinations.
func newFireNet(t *testing.T, r *rand.Rand, l *lab.Lab, perPod, destinations int) *fireNet {
	t.Helper()
	n := &fireNet{Lab: l, peers: []*lab.Host{l.VPC, l.Second, l.Peered, l.Internet}, pods: []*lab.Host{l.PodA, l.PodB}}
	for _, pod := range []struct {
		name, addr  string
		onSecondary bool
	}{{"pod-c", "10.0.1.7", false}, {"pod-d", "10.0.65.8", true}} {
		host, err := l.AddPod(t.Context(), pod.name, netip.MustParseAddr(pod.addr), pod.onSecondary)
		if err != nil {
			t.Fatal(err)
		}
		n.pods = append(n.pods, host)
	}
	for i, pod := range n.pods {
		n.sources = append(n.sources, fireSource{pod.Addr, i})
		more := []netip.Prefix{firePrimary, fireSecondary}[i%2].Addr().As4()
		for j := 1; j < perPod; j++ {
			more[3] = byte(1 + i/2*100 + j)
			n.sources = append(n.sources, fireSource{netip.AddrFrom4(more), i})
		}
	}
	n.route(t)
	for _, addr := range fireEgress {
		if err := l.AddNodeAddress(addr); err != nil {
			t.Fatal(err)
		}
	}
	for _, service := range slices.SortedFunc(maps.Keys(fireServices), netip.Addr.Compare) {
		endpoint := fireServices[service]
		if err := l.AddService(service, endpoint); err != nil {
			t.Fatal(err)
		}
		n.destinations = append(n.destinations, fireDestination{service, endpoint})
	}
	for len(n.destinations) < destinations {
		addr := n.randomDestination(r)
		n.destinations = append(n.destinations, fireDestination{addr, addr})
	}
	return n
}

// route makes the routes to the peers and from the pods' other addresses.
func (n *fireNet) route(t *testing.T) {
	t.Helper()
	for i, network := range fireNetworks {
		addRoute(t, n.Fabric, n.peers[i].Name, network, n.peers[i].Addr)
	}
	addRoute(t, n.Fabric, "node-eth0", firePrimary, lab.NodePrimary)
	addRoute(t, n.Fabric, "node-eth1", fireSecondary, lab.NodeSecondary)
	// The node takes packets from those only to whom it has a route by the same
	// interface.
	for _, s := range n.sources {
		pod := n.pods[s.pod]
		if s.addr == pod.Addr {
			continue
		}
		routes, err := n.Node.Netlink().RouteGet(pod.Addr.AsSlice())
		if err != nil {
			t.Fatal(err)
		}
		to := &netlink.Route{LinkIndex: routes[0].LinkIndex, Dst: ipNet(netip.PrefixFrom(s.addr, 32)), Scope: netlink.SCOPE_LINK}
		if err := n.Node.Netlink().RouteAdd(to); err != nil {
			t.Fatal(err)
		}
	}
	rule := netlink.NewRule()
	rule.Family, rule.Priority, rule.Table, rule.Src = unix.AF_INET, 1536, 2, ipNet(fireSecondary)
	if err := n.Node.Netlink().RuleAdd(rule); err != nil {
		t.Fatal(err)
	}
}

func addRoute(t *testing.T, on *lab.Host, device string, to netip.Prefix, via netip.Addr) {
	t.Helper()
	link, err := on.Netlink().LinkByName(device)
	if err != nil {
		t.Fatal(err)
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(to), Gw: via.AsSlice()}
	if err := on.Netlink().RouteAdd(route); err != nil {
		t.Fatalf("route to %s by %s of %s: %v", to, device, on.Name, err)
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}

// randomDestination is an address that packets reach, often one beside another
// that was chosen before.
func (n *fireNet) randomDestination(r *rand.Rand) netip.Addr {
	for {
		var addr netip.Addr
		switch r.IntN(4) {
		case 0: // one bit away from another one
			if len(n.destinations) == 0 {
				continue
			}
			other := n.destinations[r.IntN(len(n.destinations))].real.As4()
			bit := 16 + r.IntN(16)
			other[bit/8] ^= 0x80 >> (bit % 8)
			addr = netip.AddrFrom4(other)
		case 1:
			addr = netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
		default:
			network := fireNetworks[r.IntN(len(fireNetworks)-1)].Addr().As4()
			network[2] += byte(r.IntN(16))
			network[3] = byte(r.IntN(256))
			addr = netip.AddrFrom4(network)
		}
		if reaches(addr) {
			return addr
		}
	}
}

// reaches says that packets to an address are routed to a peer and to nobody else.
func reaches(addr netip.Addr) bool {
	for i, network := range fireNetworks {
		if network.Contains(addr) && i < len(fireNetworks)-1 {
			return true
		}
	}
	for _, other := range []string{
		"10.0.0.0/16", "100.64.0.0/24", "172.31.0.0/24", "172.20.0.0/16", "198.51.100.0/24",
		"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
	} {
		if netip.MustParsePrefix(other).Contains(addr) {
			return false
		}
	}
	return true
}

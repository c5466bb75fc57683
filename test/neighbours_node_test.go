package test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// Pods of a namespace with an egress address, on each of the interfaces.
var (
	podC   = netip.MustParseAddr("10.0.1.7")
	podD   = netip.MustParseAddr("10.0.65.8")
	egress = netip.MustParseAddr("10.0.0.11")
)

const neighboursFacts = `
node: {name: node-a}
vpc: {cidrs: [10.0.0.0/16, 100.64.0.0/16]}
namespaces: [{name: default}, {name: egress}]
pods:
- {namespace: default, name: pod-a, ip: 10.0.1.5}
- {namespace: default, name: pod-b, ip: 10.0.65.6}
- {namespace: egress, name: pod-c, ip: 10.0.1.7}
- {namespace: egress, name: pod-d, ip: 10.0.65.8}
- {namespace: kube-system, name: host-pod, ip: 10.0.0.10, hostNetwork: true}
`

const neighboursConfig = baseConfig + "snat: {excludeCIDRs: [172.31.0.0/16]}\n"

// kubeServices are by what their endpoints are.
var kubeServices = []kubeService{
	{"vpc", netip.MustParseAddr("172.20.0.11"), 30011, false, []netip.Addr{lab.VPC}},
	{"second", netip.MustParseAddr("172.20.0.12"), 30012, false, []netip.Addr{lab.Second}},
	{"peered", netip.MustParseAddr("172.20.0.13"), 30013, false, []netip.Addr{lab.Peered}},
	{"internet", netip.MustParseAddr("172.20.0.14"), 30014, false, []netip.Addr{lab.Internet}},
	{"either", netip.MustParseAddr("172.20.0.15"), 30015, false, []netip.Addr{lab.VPC, lab.Internet}},
	{"host", netip.MustParseAddr("172.20.0.16"), 30016, false, []netip.Addr{lab.NodePrimary}},
	{"pod-a", netip.MustParseAddr("172.20.0.21"), 30021, false, []netip.Addr{lab.PodA}},
	{"pod-b", netip.MustParseAddr("172.20.0.22"), 30022, false, []netip.Addr{lab.PodB}},
	{"pod-c", netip.MustParseAddr("172.20.0.23"), 30023, false, []netip.Addr{podC}},
	{"pod-d", netip.MustParseAddr("172.20.0.24"), 30024, false, []netip.Addr{podD}},
	{"local-a", netip.MustParseAddr("172.20.0.31"), 30031, true, []netip.Addr{lab.VPC, lab.PodA}},
	{"local-b", netip.MustParseAddr("172.20.0.32"), 30032, true, []netip.Addr{lab.VPC, lab.PodB}},
	{"local-d", netip.MustParseAddr("172.20.0.34"), 30034, true, []netip.Addr{lab.VPC, podD}},
}

func service(name string) kubeService {
	return kubeServices[slices.IndexFunc(kubeServices, func(s kubeService) bool { return s.name == name })]
}

// neighbourhood is a node with the daemon, kube-proxy and the AWS plugin.
type neighbourhood struct {
	*daemon
	podC, podD *lab.Host
}

// lookAround sends packets of every kind, and checks that the VPC had none to drop.
func (n *neighbourhood) lookAround(when string) {
	n.t.Helper()
	before, err := n.lab.Dropped()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, s := range n.sightings() {
		for _, from := range s.from {
			for _, to := range s.to {
				for _, proto := range kubeProtocols {
					want := s.as
					if !want.IsValid() {
						want = from.Addr
					}
					seen, err := askTwice(n.t.Context(), from, proto, to)
					if err != nil { // many of them would take minutes
						n.t.Fatalf("%s: %s: %v", when, s.what, err)
					}
					if seen != want {
						n.t.Errorf("%s: %s: %s from %s to %s is seen as %s, want %s", when, s.what, proto, from.Name, to, seen, want)
					}
				}
			}
		}
	}
	for _, pod := range []*lab.Host{n.lab.PodA, n.lab.PodB, n.podC, n.podD} {
		n.either(when, pod)
	}
	if dropped, err := n.lab.Dropped(); err != nil || dropped != before {
		n.t.Errorf("%s: the VPC dropped %d packets that left by the wrong interface: %v", when, dropped-before, err)
	}
}

// askTwice asks over one connection: the first packet is decided, the second restored.
func askTwice(ctx context.Context, from *lab.Host, proto lab.Proto, to netip.AddrPort) (netip.Addr, error) {
	conn, err := lab.Open(ctx, from, proto, to)
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	first, err := conn.Ask(ctx)
	if err != nil {
		return netip.Addr{}, err
	}
	second, err := conn.Ask(ctx)
	if err == nil && second != first {
		err = fmt.Errorf("then as %s", second)
	}
	return first.Addr(), err
}

// either asks a Service with one endpoint in the VPC and one outside until it has met
// both: each time the endpoint decides that kube-proxy chose.
func (n *neighbourhood) either(when string, pod *lab.Host) {
	n.t.Helper()
	outside := lab.NodePrimary
	if pod == n.podC || pod == n.podD {
		outside = egress
	}
	want := map[netip.Addr]netip.Addr{lab.VPC: pod.Addr, lab.Internet: outside}
	met := map[netip.Addr]bool{}
	const tries = 64
	to := service("either").clusterIP()
	for range tries {
		conn, err := lab.Open(n.t.Context(), pod, lab.TCP, to)
		if err != nil {
			n.t.Fatalf("%s: %v", when, err)
		}
		seen, err := conn.Ask(n.t.Context())
		endpoint := n.endpointOf(conn.Local(), to)
		conn.Close()
		if err != nil || seen.Addr() != want[endpoint] {
			n.t.Fatalf("%s: %s is seen as %s by %s, want %s: %v", when, pod.Name, seen, endpoint, want[endpoint], err)
		}
		if met[endpoint] = true; len(met) == len(want) {
			return
		}
	}
	n.t.Fatalf("%s: of %s only %v answered %s", when, to, met, pod.Name)
}

// endpointOf is who answers a connection from an address and port to a Service, as the
// node tracks it.
func (n *neighbourhood) endpointOf(from, to netip.AddrPort) netip.Addr {
	n.t.Helper()
	flows, err := n.lab.Node.Netlink().ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range flows {
		source, _ := netip.AddrFromSlice(f.Forward.SrcIP.To4())
		destination, _ := netip.AddrFromSlice(f.Forward.DstIP.To4())
		if f.Forward.Protocol == unix.IPPROTO_TCP &&
			netip.AddrPortFrom(source, f.Forward.SrcPort) == from && netip.AddrPortFrom(destination, f.Forward.DstPort) == to {
			endpoint, _ := netip.AddrFromSlice(f.Reverse.SrcIP.To4())
			return endpoint
		}
	}
	n.t.Errorf("no connection from %s to %s", from, to)
	return netip.Addr{}
}

// newNeighbourhood is a node on which nothing runs yet.
func newNeighbourhood(t *testing.T) *neighbourhood {
	t.Helper()
	nstest.Need(t, "nft", "nftables")
	nstest.Need(t, "iptables-nft", "iptables")
	nstest.Need(t, "iptables-legacy", "iptables")
	n := &neighbourhood{daemon: prepare(t)}
	n.podC, n.podD = n.addPod("pod-c", podC, false), n.addPod("pod-d", podD, true)
	if err := n.lab.AddNodeAddress(egress); err != nil {
		t.Fatal(err)
	}
	n.setConfig(neighboursConfig)
	n.write("facts.yaml", neighboursFacts)
	n.dropInExample("egress-address", "20-egress", "config: {source: 10.0.0.11, namespaces: egress}\ngrants: {sources: [10.0.0.11]}\n")
	return n
}

func (n *neighbourhood) addPod(name string, addr netip.Addr, onSecondary bool) *lab.Host {
	n.t.Helper()
	pod, err := n.lab.AddPod(n.t.Context(), name, addr, onSecondary)
	if err != nil {
		n.t.Fatal(err)
	}
	return pod
}

// settle waits until the daemon's decisions are in force.
func (n *neighbourhood) settle() {
	n.t.Helper()
	n.waitReady()
	n.waitSource(podC, lab.Internet, egress)
	n.waitSource(podD, lab.Internet, egress)
}

// waitDropped asks until the VPC drops an answer, because it leaves by the interface of
// the pod and not by that which the question came in by.
func (n *neighbourhood) waitDropped(from *lab.Host, to netip.AddrPort) {
	n.t.Helper()
	before, err := n.lab.Dropped()
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(n.t.Context())
	answered := make(chan error)
	go func() {
		_, err := askTwice(ctx, from, lab.UDP, to)
		answered <- err
	}()
	n.wait("the VPC to drop an answer", func() error {
		dropped, err := n.lab.Dropped()
		if err == nil && dropped == before {
			err = errors.New("it dropped none")
		}
		return err
	})
	cancel()
	if err := <-answered; err == nil {
		n.t.Errorf("%s has an answer from %s that was dropped", from.Name, to)
	}
}

// standInTheWay makes a rule, met by no packet, that the daemon must warn of.
func (n *neighbourhood) standInTheWay() {
	n.t.Helper()
	if out, err := n.nft("", "table ip offender { chain c { meta mark set 0x80; }; }"); err != nil {
		n.t.Fatalf("%v: %s", err, out)
	}
}

// waitWarnings waits until the daemon has looked for neighbours, and checks that it
// warns of nothing else.
func (n *neighbourhood) waitWarnings() {
	n.t.Helper()
	n.wait("a warning", func() error {
		warnings := n.status().Neighbours
		if len(warnings) == 0 {
			return errors.New("there is none")
		}
		if len(warnings) > 1 || !strings.Contains(warnings[0].Message, "chain ip offender c") {
			n.t.Fatalf("warnings %+v", warnings)
		}
		return nil
	})
}

// openSome opens connections that changes of the others' rules must not break.
func (n *neighbourhood) openSome() (open []*openConn) {
	n.t.Helper()
	at := func(from *lab.Host, to netip.AddrPort) {
		for _, proto := range kubeProtocols {
			open = append(open, n.openAt(from, proto, to))
		}
	}
	for _, pod := range []*lab.Host{n.lab.PodA, n.lab.PodB, n.podC, n.podD} {
		at(pod, netip.AddrPortFrom(lab.Internet, lab.Port))
		at(pod, service("internet").clusterIP())
		at(pod, service("vpc").clusterIP())
	}
	at(n.lab.Internet, service("pod-b").onNode())
	at(n.lab.Internet, service("local-b").onNode())
	at(n.lab.PodB, service("pod-b").clusterIP())
	return open
}

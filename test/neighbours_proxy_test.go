package test

import (
	"net/netip"
	"slices"

	"github.com/snatd/snatd/host/lab"
)

// kubeService is a Service as kube-proxy knows it, with TCP and UDP.
type kubeService struct {
	name      string
	addr      netip.Addr   // its cluster IP
	nodePort  uint16       // of the node's primary address
	local     bool         // externalTrafficPolicy: Local
	endpoints []netip.Addr // which listen on lab.Port
}

// servicePort is that of every cluster IP.
const servicePort = 80

func (s kubeService) clusterIP() netip.AddrPort { return netip.AddrPortFrom(s.addr, servicePort) }
func (s kubeService) onNode() netip.AddrPort    { return netip.AddrPortFrom(lab.NodePrimary, s.nodePort) }

// here are those of its endpoints that are on the node.
func (s kubeService) here() []netip.Addr {
	there := []netip.Addr{lab.VPC, lab.Second, lab.Peered, lab.Internet}
	return slices.DeleteFunc(slices.Clone(s.endpoints), func(e netip.Addr) bool { return slices.Contains(there, e) })
}

// kubeProtocols are those of every Service.
var kubeProtocols = []lab.Proto{lab.TCP, lab.UDP}

// kubeProxy is one of the forms in which kube-proxy lays its rules. Their matches,
// verdicts and order are those of kube-proxy 1.36 with a cluster CIDR; names are
// shorter, and what has nothing to do with addresses is left out.
type kubeProxy struct {
	form string
	// plugin is the iptables that the AWS plugin uses beside it.
	plugin iptables
	// sync brings the rules into the kernel, whatever is there.
	sync func(*daemon, []kubeService)
	// remove takes all of them away.
	remove func(*daemon)
}

var kubeProxies = []kubeProxy{
	iptablesProxy("iptables-nft"),
	iptablesProxy("iptables-legacy"),
	nftProxy(),
}

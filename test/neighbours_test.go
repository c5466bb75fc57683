package test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/lab"
	"github.com/snatd/snatd/host/nstest"
)

// With kube-proxy, in each form, and the AWS plugin on the node everybody is seen as
// who they should be, whoever started first, and whoever starts again.
func TestNeighbours(t *testing.T) {
	for _, proxy := range kubeProxies {
		t.Run(proxy.form, func(t *testing.T) {
			plugin := awsPlugin{iptables: proxy.plugin, nodePorts: true}
			n := newNeighbourhood(t)
			proxy.sync(n.daemon, kubeServices)
			plugin.start(n.daemon)
			n.standInTheWay()
			n.run()
			n.settle()
			n.lookAround("the daemon started last")
			n.waitWarnings()
			open := n.openSome()
			check := func() {
				t.Helper()
				for _, conn := range open {
					conn.check(t)
				}
				if err := plugin.checkRules(n.daemon); err != nil {
					t.Error(err)
				}
			}

			plugin.start(n.daemon)
			proxy.sync(n.daemon, kubeServices)
			check()
			n.lookAround("the others started again")
			check()

			proxy.remove(n.daemon)
			plugin.remove(n.daemon)
			proxy.sync(n.daemon, kubeServices)
			plugin.start(n.daemon)
			n.lookAround("the daemon started first")

			// What the plugin does for node ports the daemon can do too.
			plugin.nodePorts = false
			plugin.start(n.daemon)
			n.waitDropped(n.lab.Internet, service("local-b").onNode())
			n.setConfig(strings.Replace(neighboursConfig, "eth0}", "eth0, nodePorts: true}", 1))
			n.wait("the daemon to care for node ports", func() error {
				text, err := n.rules()
				if err == nil && !strings.Contains(text, "chain nodeports") {
					err = errors.New(text)
				}
				return err
			})
			n.lookAround("the daemon cares for node ports")
			check()
		})
	}
}

// sighting says as whom the peers must see who asks.
type sighting struct {
	what string
	from []*lab.Host
	to   []netip.AddrPort
	as   netip.Addr // none: as who it is
}

// sightings are the same in every form of kube-proxy's rules.
func (n *neighbourhood) sightings() []sighting {
	l, c, d := n.lab, n.podC, n.podD
	pods := []*lab.Host{l.PodA, l.PodB, c, d}
	onPrimary, onSecondary := []*lab.Host{l.PodA, c}, []*lab.Host{l.PodB, d}
	others, egresses := []*lab.Host{l.PodA, l.PodB}, []*lab.Host{c, d}
	node, outside := []*lab.Host{l.Node}, []*lab.Host{l.VPC, l.Second, l.Peered, l.Internet}
	own, primary, secondary := netip.Addr{}, lab.NodePrimary, lab.NodeSecondary
	return []sighting{
		{"a pod to where it is excluded", pods, directly(lab.VPC, lab.Second, lab.Peered, lab.NodePrimary), own},
		{"a pod to outside", others, directly(lab.Internet), primary},
		{"a pod with an egress address to outside", egresses, directly(lab.Internet), egress},
		{"the node", node, directly(lab.VPC, lab.Second, lab.Peered, lab.Internet, lab.PodA, lab.PodB, podC, podD), primary},
		{"the VPC to a pod", []*lab.Host{l.VPC, l.Second, l.Peered}, directly(lab.PodA, lab.PodB, podC, podD), own},

		{"a Service whose endpoint is excluded", pods, clusterIPs("vpc", "second", "peered", "host"), own},
		{"a Service whose endpoint is outside", others, clusterIPs("internet"), primary},
		{"the same, with an egress address", egresses, clusterIPs("internet"), egress},
		{"a Service on the same node", []*lab.Host{l.PodA}, clusterIPs("pod-b", "pod-c", "pod-d", "local-b"), own},
		{"the same, from the secondary interface", []*lab.Host{l.PodB}, clusterIPs("pod-a", "pod-c", "pod-d", "local-a"), own},
		{"the same, with an egress address", egresses, clusterIPs("pod-a", "pod-b", "local-a", "local-b"), own},
		{"the node to a Service", node, clusterIPs("vpc", "second", "peered", "internet", "either", "host", "pod-a", "pod-b", "pod-c", "pod-d", "local-b"), primary},

		// kube-proxy masquerades to an address of the interface by which the packet leaves,
		// or that of the first one, where it has none, as those of pods.
		{"itself by its Service", []*lab.Host{l.PodA}, append(clusterIPs("pod-a"), nodePorts("pod-a")...), primary},
		{"itself, on the secondary interface", []*lab.Host{l.PodB}, append(clusterIPs("pod-b"), nodePorts("pod-b")...), primary},
		{"itself, with an egress address", []*lab.Host{c}, append(clusterIPs("pod-c"), nodePorts("pod-c")...), primary},
		{"itself, with both", []*lab.Host{d}, append(clusterIPs("pod-d"), nodePorts("pod-d")...), primary},

		{"a node port to a pod here", outside, nodePorts("pod-a", "pod-b", "pod-c", "pod-d"), primary},
		{"a node port to another node", outside, nodePorts("vpc", "second", "peered", "internet", "either"), primary},
		{"a node port to the node", outside, nodePorts("host"), own},
		// What comes from the cluster CIDR kube-proxy sends to any endpoint.
		{"a node port with the policy Local", outside[1:], nodePorts("local-a", "local-b", "local-d"), own},

		{"a pod to a node port of another pod", []*lab.Host{l.PodA}, nodePorts("pod-b", "pod-c", "pod-d"), primary},
		{"the same, from the secondary interface", onSecondary, nodePorts("pod-a", "pod-c"), primary},
		{"a pod to a node port, endpoint excluded", onPrimary, nodePorts("vpc", "second", "peered"), primary},
		{"the same, from the secondary interface", onSecondary, nodePorts("vpc", "second", "peered"), secondary},
		{"a pod to a node port, endpoint outside", pods, nodePorts("internet"), primary},
		{"a pod to a node port, endpoint on the node", pods, nodePorts("host"), own},
		{"a pod to a node port with the policy Local", []*lab.Host{l.PodA, c, d}, nodePorts("local-b"), own},
		{"the node to a node port", node, nodePorts("vpc", "second", "peered", "internet", "either", "host", "pod-a", "pod-b", "pod-c", "pod-d", "local-a", "local-b", "local-d"), primary},
	}
}

// clusterIPs and nodePorts are where Services are asked for.
func clusterIPs(names ...string) (all []netip.AddrPort) {
	for _, name := range names {
		all = append(all, service(name).clusterIP())
	}
	return all
}

func nodePorts(names ...string) (all []netip.AddrPort) {
	for _, name := range names {
		all = append(all, service(name).onNode())
	}
	return all
}

func directly(addrs ...netip.Addr) (all []netip.AddrPort) {
	for _, addr := range addrs {
		all = append(all, netip.AddrPortFrom(addr, lab.Port))
	}
	return all
}

// Another program that translates what pods send is named, with what to do.
func TestNeighbourInTheWay(t *testing.T) {
	d := prepare(t)
	nstest.Need(t, "iptables-nft", "iptables")
	tool := iptables("iptables-nft")
	tool.run(d, "-t nat -N AWS-SNAT-CHAIN-0")
	tool.run(d, "-t nat -A POSTROUTING -j AWS-SNAT-CHAIN-0")
	tool.run(d, "-t nat -A AWS-SNAT-CHAIN-0 ! -o vlan+ -m addrtype ! --dst-type LOCAL -j SNAT --to-source 10.0.0.10 --random-fully")
	d.setConfig("")
	d.run()
	d.waitReady()
	d.wait("the AWS plugin to be noticed", func() error {
		status, err := d.client.Status(t.Context())
		for _, n := range status.Neighbours {
			if n.Kind == "aws-snat" && strings.Contains(n.Fix, "AWS_VPC_K8S_CNI_EXTERNALSNAT=true") {
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("neighbours %+v", status.Neighbours))
	})
	if n, err := d.sample(`snatd_neighbour_findings{kind="aws-snat"}`); err != nil || n != 1 {
		t.Errorf("snatd_neighbour_findings %v, %v", n, err)
	}
	if out, _, err := d.output(nil, "status"); err != nil || !strings.Contains(out, "warning      the AWS plugin still translates") {
		t.Errorf("%s, %v", out, err)
	}
}

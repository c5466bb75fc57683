package test

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/snatd/snatd/host/lab"
)

// nftProxy is kube-proxy with a table of its own.
func nftProxy() kubeProxy {
	const afresh = "add table ip kube-proxy\ndelete table ip kube-proxy\n"
	run := func(d *daemon, input string) {
		d.t.Helper()
		if out, err := d.nft(input, "-f", "-"); err != nil {
			d.t.Fatalf("nft: %v: %s\n%s", err, out, input)
		}
	}
	return kubeProxy{
		form: "nft", plugin: "iptables-nft",
		sync:   func(d *daemon, services []kubeService) { d.t.Helper(); run(d, afresh+nftServices(services)) },
		remove: func(d *daemon) { d.t.Helper(); run(d, afresh) },
	}
}

// nftServices is the table. Its first chains are those of the Services.
func nftServices(services []kubeService) string {
	var chains, clusterIPs, serviceIPs, nodePorts, hairpin []string
	chain := func(name string, rules ...string) {
		chains = append(chains, "\tchain "+name+" {\n\t\t"+strings.Join(rules, "\n\t\t")+"\n\t}\n")
	}
	const masquerade = "meta mark set meta mark | 0x4000"
	for _, s := range services {
		clusterIPs = append(clusterIPs, s.addr.String())
		for _, proto := range kubeProtocols {
			name := s.name + "/" + string(proto)
			serviceIPs = append(serviceIPs, fmt.Sprintf("%s . %s . %d : goto service-%s", s.addr, proto, servicePort, name))
			nodePorts = append(nodePorts, fmt.Sprintf("%s . %d : goto external-%s", proto, s.nodePort, name))
			for _, e := range s.here() {
				hairpin = append(hairpin, fmt.Sprintf("%s . %[1]s . %s . %d", e, proto, lab.Port))
			}
			chain("service-"+name, nftChoice(proto, s.endpoints))
			if !s.local {
				chain("external-"+name, masquerade, "goto service-"+name)
				continue
			}
			chain("local-"+name, nftChoice(proto, s.here()))
			chain("external-"+name,
				"ip saddr "+lab.VPCNetwork.String()+" goto service-"+name,
				"fib saddr type local "+masquerade,
				"fib saddr type local goto service-"+name,
				"goto local-"+name)
		}
	}
	chain("services",
		"ip daddr @cluster-ips ip saddr != "+lab.VPCNetwork.String()+" "+masquerade,
		"ip daddr . meta l4proto . th dport vmap @service-ips",
		"ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports")
	chain("masquerading",
		"meta mark & 0x4000 != 0 meta mark set meta mark ^ 0x4000 masquerade fully-random",
		"ct status dnat ip saddr . ip daddr . meta l4proto . th dport @hairpin-connections masquerade fully-random")
	chain("cluster-ips-check", "ip daddr @cluster-ips reject")
	chain("filter-forward", "type filter hook forward priority filter", "ct state new jump cluster-ips-check")
	chain("filter-output", "type filter hook output priority filter", "ct state new jump cluster-ips-check")
	chain("nat-prerouting", "type nat hook prerouting priority dstnat", "jump services")
	chain("nat-output", "type nat hook output priority -100", "jump services")
	chain("nat-postrouting", "type nat hook postrouting priority srcnat", "jump masquerading")

	const service = "ipv4_addr . inet_proto . inet_service"
	elements := func(kind, name, of string, all ...string) string {
		return fmt.Sprintf("\t%s %s {\n\t\ttype %s\n\t\telements = { %s }\n\t}\n", kind, name, of, strings.Join(all, ", "))
	}
	return "table ip kube-proxy {\n" +
		elements("set", "cluster-ips", "ipv4_addr", clusterIPs...) +
		elements("set", "nodeport-ips", "ipv4_addr", lab.NodePrimary.String()) +
		elements("set", "hairpin-connections", "ipv4_addr . "+service, hairpin...) +
		elements("map", "service-ips", service+" : verdict", serviceIPs...) +
		elements("map", "service-nodeports", "inet_proto . inet_service : verdict", nodePorts...) +
		strings.Join(chains, "") + "}\n"
}

// nftChoice is a rule that chooses one of the endpoints.
func nftChoice(proto lab.Proto, endpoints []netip.Addr) string {
	var choices []string
	for i, e := range endpoints {
		choices = append(choices, fmt.Sprintf("%d : %s . %d", i, e, lab.Port))
	}
	return fmt.Sprintf("meta l4proto %s dnat ip addr . port to numgen random mod %d map { %s }", proto, len(endpoints), strings.Join(choices, ", "))
}

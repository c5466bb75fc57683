package neighbour

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// Where services' rules lead, whoever wrote them.
func TestLookEndpoints(t *testing.T) {
	const proxy = `
		iptables-nft -t nat -N KUBE-SERVICES
		iptables-nft -t nat -N KUBE-SVC-A
		iptables-nft -t nat -N KUBE-SEP-1
		iptables-nft -t nat -N KUBE-SEP-2
		iptables-nft -t nat -N KUBE-NODEPORTS
		iptables-nft -t nat -A PREROUTING -m comment --comment portals -j KUBE-SERVICES
		iptables-nft -t nat -A KUBE-SERVICES -d 172.20.0.9/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-A
		iptables-nft -t nat -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
		iptables-nft -t nat -A KUBE-NODEPORTS -p tcp --dport 30080 -j KUBE-SVC-A
		iptables-nft -t nat -A KUBE-SVC-A -m statistic --mode random --probability 0.5 -j KUBE-SEP-1
		iptables-nft -t nat -A KUBE-SVC-A -j KUBE-SEP-2
		iptables-nft -t nat -A KUBE-SEP-1 -p tcp -j DNAT --to-destination 10.0.1.7:8080
		iptables-nft -t nat -A KUBE-SEP-2 -p tcp -j DNAT --to-destination 198.18.0.9:8080`
	const proxyNFT = `nft -f - <<'E'
		table ip kube-proxy {
			map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
			chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
			chain service-a { numgen random mod 2 vmap { 0 : goto endpoint-1, 1 : goto endpoint-2 }; }
			chain endpoint-1 { meta l4proto tcp dnat to 10.0.1.7:8080; }
			chain endpoint-2 { meta l4proto tcp dnat to 198.18.0.9:8080; }
			chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
		}
		add element ip kube-proxy service-ips { 172.20.0.9 . tcp . 80 : goto service-a }
E`
	for _, test := range []struct {
		name, script, to, want string
	}{
		{"kube-proxy, iptables-nft", proxy, "172.20.0.9", "[10.0.1.7 198.18.0.9]"},
		{"kube-proxy, iptables-nft, no service", proxy, "172.20.0.8", "[]"},
		{"kube-proxy, nftables", proxyNFT, "172.20.0.9", "[10.0.1.7 198.18.0.9]"},
		{"kube-proxy, nftables, no service", proxyNFT, "172.20.0.10", "[]"},
		{"a network", "nft add table inet x; nft 'add chain inet x y { type nat hook prerouting priority -100; }'; nft add rule inet x y ip daddr 192.0.2.0/28 dnat ip to 10.9.9.9", "192.0.2.15", "[10.9.9.9]"},
		{"beside the network", "nft add table inet x; nft 'add chain inet x y { type nat hook prerouting priority -100; }'; nft add rule inet x y ip daddr 192.0.2.0/28 dnat ip to 10.9.9.9", "192.0.2.16", "[]"},
		{"a set", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft 'add rule ip x y ip daddr { 192.0.2.1, 192.0.2.4-192.0.2.6 } dnat to 10.9.9.9'", "192.0.2.5", "[10.9.9.9]"},
		{"a range", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft add rule ip x y ip daddr 192.0.2.4-192.0.2.6 dnat to 10.9.9.9", "192.0.2.6", "[10.9.9.9]"},
		{"beside the range", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft add rule ip x y ip daddr 192.0.2.4-192.0.2.6 dnat to 10.9.9.9", "192.0.2.7", "[]"},
		{"from an address on", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft add rule ip x y ip daddr '>=' 192.0.2.4 dnat to 10.9.9.9", "192.0.2.7", "[10.9.9.9]"},
		{"not a set", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft 'add rule ip x y ip daddr != { 192.0.2.1, 192.0.2.5 } ip daddr 192.0.2.5 dnat to 10.9.9.9'", "192.0.2.5", "[]"},
		{"a map of addresses", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft 'add rule ip x y dnat to ip daddr map { 192.0.2.5 : 10.9.9.9 }'", "192.0.2.5", "[] untold"},
		{"behind what others match", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft add rule ip x y ip daddr 192.0.2.5 ct state new fib saddr type unicast dnat to 10.9.9.9", "192.0.2.5", "[10.9.9.9]"},
		{"redirect", "nft add table ip x; nft 'add chain ip x y { type nat hook prerouting priority -100; }'; nft add rule ip x y ip daddr 192.0.2.5 tcp dport 80 redirect", "192.0.2.5", "[] untold"},
		{"source translation", "nft add table ip x; nft 'add chain ip x y { type nat hook postrouting priority 100; }'; nft add rule ip x y ip daddr 192.0.2.5 snat to 10.9.9.9", "192.0.2.5", "[]"},
		{"nothing", "true", "192.0.2.5", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := newNode(t, test.script)
			n.Do(func() {
				found, err := LookEndpoints(netip.MustParseAddr(test.to))
				if err != nil {
					t.Fatal(err)
				}
				got := fmt.Sprint(append([]netip.Addr{}, found.Addresses...))
				if found.Untold != "" {
					got += " untold"
					if !strings.Contains(found.Untold, "rule 1 of chain ip x y") {
						t.Errorf("untold: %s", found.Untold)
					}
				}
				if got != test.want {
					t.Errorf("%s, want %s (%s)", got, test.want, found.Untold)
				}
			})
		})
	}
}

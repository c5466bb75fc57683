package neighbour

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A node with 750 pods on which kube-proxy, with iptables-nft, keeps many services.
func BenchmarkLook(b *testing.B) {
	node := testNode
	node.Pods = nil
	for i := range 750 {
		node.Pods = append(node.Pods, netip.AddrFrom4([4]byte{10, 0, byte(1 + i/250), byte(i%250 + 1)}))
	}
	for _, services := range []int{0, 100, 1_000} {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			n := newNode(b, with("iptables-nft", kubeProxy, docker, portmap, awsMangle))
			if services > 0 {
				file := filepath.Join(b.TempDir(), "services")
				if err := os.WriteFile(file, []byte(manyServices(services)), 0o600); err != nil {
					b.Fatal(err)
				}
				n.Run("sh", "-ec", "iptables-nft-restore -n "+file)
			}
			b.ReportAllocs()
			for b.Loop() {
				if found := look(b, n, node); len(found) != 0 {
					b.Fatal(found)
				}
			}
		})
	}
}

// manyServices are services with three endpoints: 11 rules each.
func manyServices(count int) string {
	var chains, rules strings.Builder
	for i := range count {
		service := fmt.Sprintf("KUBE-SVC-%d", i)
		address := fmt.Sprintf("172.20.%d.%d/32", 1+i/250, i%250+1)
		fmt.Fprintf(&chains, ":%s - [0:0]\n", service)
		fmt.Fprintf(&rules, "-A KUBE-SERVICES -d %s -p tcp -m tcp --dport 443 -j %s\n", address, service)
		fmt.Fprintf(&rules, "-A %s ! -s 10.0.0.0/16 -d %s -p tcp -m tcp --dport 443 -j KUBE-MARK-MASQ\n", service, address)
		for e := range 3 {
			endpoint := fmt.Sprintf("KUBE-SEP-%d-%d", i, e)
			fmt.Fprintf(&chains, ":%s - [0:0]\n", endpoint)
			fmt.Fprintf(&rules, "-A %s -m statistic --mode random --probability 0.33 -j %s\n", service, endpoint)
			fmt.Fprintf(&rules, "-A %s -s 10.0.9.%d/32 -j KUBE-MARK-MASQ\n", endpoint, e)
			fmt.Fprintf(&rules, "-A %s -p tcp -m tcp -j DNAT --to-destination 10.0.9.%d:443\n", endpoint, e)
		}
	}
	return "*nat\n" + chains.String() + rules.String() + "COMMIT\n"
}

package main

import (
	"net/netip"
	"testing"
)

// The figures for different numbers of CIDRs compare only if the destinations
// are translated with all of them, and no two CIDRs become one interval.
func TestInput(t *testing.T) {
	for _, n := range []int{1, 5, 100, 1000, mostExcluded} {
		cidrs := excluded(n)
		covered := map[netip.Addr]bool{}
		for i, p := range cidrs {
			if p != p.Masked() || p.Bits() != 24 {
				t.Fatalf("%d CIDRs: %s is not a /24", n, p)
			}
			covered[p.Addr()] = true
			last := p.Addr().As4()
			last[3] = 255
			if i > 0 && !cidrs[i-1].Addr().Less(p.Addr()) {
				t.Fatalf("%d CIDRs: %s behind %s", n, p, cidrs[i-1])
			}
			if covered[netip.AddrFrom4(last).Next()] || p.Contains(podAddr) || peered.Overlaps(p) {
				t.Fatalf("%d CIDRs: %s touches another network", n, p)
			}
		}
		seen := map[netip.Addr]bool{}
		for i := range 3 * mostExcluded {
			to := translated(i)
			if seen[to] {
				t.Fatalf("%d CIDRs: destination %d is %s, as one before", n, i, to)
			}
			seen[to] = true
			if covered[netip.PrefixFrom(to, 24).Masked().Addr()] || to.IsLoopback() || to.IsMulticast() {
				t.Fatalf("%d CIDRs: destination %d is %s, which is not translated", n, i, to)
			}
		}
	}
}

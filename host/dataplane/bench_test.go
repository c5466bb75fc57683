package dataplane

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/host/nstest"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// One transaction that replaces the whole table.
func BenchmarkReplace(b *testing.B) {
	for _, count := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("intervals=%d", count), func(b *testing.B) {
			d := open(b, nstest.New(b))
			plan := rules.Replace(intervals(count)).Ops
			for b.Loop() {
				apply(b, d, plan)
			}
		})
	}
}

// A pod comes and goes: two transactions of one element each.
func BenchmarkPod(b *testing.B) {
	for _, count := range []int{0, 1_000, 10_000} {
		b.Run(fmt.Sprintf("others=%d", count), func(b *testing.B) {
			d := open(b, nstest.New(b))
			r := intervals(1_000)
			for i := range count {
				addr := netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)})
				r.Pods = append(r.Pods, rules.Member{Addr: addr, Class: "c_node"})
			}
			apply(b, d, create(r))
			pod := []nft.Element{single("10.0.1.5", nft.Goto("c_node"))}
			add := nft.Plan{nft.AddElements{Table: rules.TableName, Map: "pods", Elements: pod}}
			remove := nft.Plan{nft.DeleteElements{Table: rules.TableName, Map: "pods", Elements: pod}}
			for b.Loop() {
				apply(b, d, add)
				apply(b, d, remove)
			}
		})
	}
}

// Reading what the kernel holds, as a start and a verification do.
func BenchmarkRead(b *testing.B) {
	for _, count := range []int{10, 1_000, 10_000} {
		b.Run(fmt.Sprintf("intervals=%d", count), func(b *testing.B) {
			d := open(b, nstest.New(b))
			apply(b, d, create(intervals(count)))
			for b.Loop() {
				read(b, d)
			}
		})
	}
}

package rules_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/rules"
)

// cidrs returns n networks that do not touch, so that none are merged.
func cidrs(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%d.%d.%d.0/24", 11+i/10000, i/100%100, i%100*2)
	}
	return all
}

// pods250 are pods of which every tenth also has a drop-in's decision. Shared
// pods have the same decisions, the others equal ones, as after a decoding.
func pods250(shared bool) (node []rules.Decision, pods []rules.Decided) {
	last, dropIn := excluding(cidrs(1000)...), module("peer", entries(exclude, "10.9.0.0/16"))
	for i := range 250 {
		if !shared {
			last = excluding(cidrs(1000)...)
		}
		decisions := []rules.Decision{last}
		if i%10 == 0 {
			decisions = []rules.Decision{dropIn, last}
		}
		pods = append(pods, rules.Decided{
			Subject: rules.Subject{
				Name: fmt.Sprintf("bench/pod-%03d", i),
				Addr: netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}),
			},
			Decisions: decisions,
		})
	}
	return one(last), pods
}

func BenchmarkCompile1000CIDRs250Pods(b *testing.B) {
	for _, shared := range []bool{true, false} {
		b.Run(fmt.Sprintf("shared=%v", shared), func(b *testing.B) {
			node, pods := pods250(shared)
			b.ReportAllocs()
			for b.Loop() {
				mustCompile(b, network(), node, pods...)
			}
		})
	}
	// No two pods alike: 250 classes of 1,000 intervals.
	b.Run("distinct", func(b *testing.B) {
		node, pods := pods250(true)
		for i := range pods {
			own := module("own", entries(exclude, fmt.Sprintf("10.9.%d.0/24", i)))
			pods[i].Decisions = []rules.Decision{own, node[0]}
		}
		b.ReportAllocs()
		for b.Loop() {
			mustCompile(b, network(), node, pods...)
		}
	})
}

func BenchmarkDiffPodAdded(b *testing.B) {
	node, pods := pods250(true)
	after := mustCompile(b, network(), node, pods...)
	before := mustCompile(b, network(), node, pods[1:]...)
	b.ReportAllocs()
	for b.Loop() {
		if plan := rules.Diff(before, after); len(plan.Ops) != 1 {
			b.Fatalf("got\n%s", plan.Ops)
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	node, pods := pods250(true)
	r := mustCompile(b, network(), node, pods...)
	b.ReportAllocs()
	for b.Loop() {
		r.Digest()
	}
}

func BenchmarkLookup(b *testing.B) {
	node, pods := pods250(true)
	r := mustCompile(b, network(), node, pods...)
	src, dst := pods[10].Subject.Addr, addr("11.5.4.1")
	for b.Loop() {
		r.Lookup(src, dst)
	}
}

// A pod that comes to a large node: 750 pods in 100 classes of 1,000 intervals each,
// which are the combinations of 20 decisions.
func BenchmarkPodOfALargeNode(b *testing.B) {
	var some [20]rules.Decision
	for i := range some {
		list := cidrs(10_000)[i*500 : (i+1)*500]
		some[i] = module(fmt.Sprintf("m%d", i), entries(exclude, list...))
	}
	node := one(excluding("10.0.0.0/16"))
	var pods []rules.Decided
	for i := range 750 {
		pods = append(pods, rules.Decided{
			Subject: rules.Subject{
				Name: fmt.Sprintf("bench/pod-%03d", i),
				Addr: netip.AddrFrom4([4]byte{10, 0, byte(i / 250), byte(i % 250)}),
			},
			Decisions: []rules.Decision{some[i%10], some[10+i/10%10], node[0]},
		})
	}
	b.Run("compile first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			mustCompile(b, network(), node, pods...)
		}
	})
	b.Run("compile again", func(b *testing.B) {
		var compiler rules.Compiler
		b.ReportAllocs()
		for i := 0; b.Loop(); i = 1 - i {
			if _, err := compiler.Compile(network(), node, pods[i:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	before, after := mustCompile(b, network(), node, pods[1:]...), mustCompile(b, network(), node, pods...)
	b.Run("diff", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if plan := rules.Diff(before, after); len(plan.Ops) != 1 {
				b.Fatalf("got\n%s", plan.Ops)
			}
		}
	})
	b.Run("digest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			after.Digest()
		}
	})
}

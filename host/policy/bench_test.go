package policy

import (
	"fmt"
	"testing"

	"github.com/snatd/snatd/sdk"
)

// benchmarkPods evaluates for pods that differ by name only.
func benchmarkPods(b *testing.B, p Policy) {
	facts := sdk.Map{
		"subject.kind": "pod", "cluster.ip_family": "ipv4", "pod.host_network": "false", "snat.external": "false",
		"vpc.cidrs": sdk.List("10.0.0.0/16", "100.64.0.0/16"), "snat.exclude": sdk.List("192.168.0.0/16"),
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		facts["pod.name"] = fmt.Sprint("web-", i)
		i++
		if _, err := decide(p, facts); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	g := newGuest()
	small := g.decide(0, g.Text("10.0.0.0/8"), g.Text("peered"), g.exclude)
	e := testEngine(b, Options{CacheDir: sharedCache(b)})
	goGuest := load(b, e, defaultWasm(b), translates)
	b.Run("default/fresh", func(b *testing.B) { benchmarkPods(b, goGuest) })
	b.Run("default/memoised", func(b *testing.B) { benchmarkPods(b, Memoize(goGuest)) })
	b.Run("small/fresh", func(b *testing.B) { benchmarkPods(b, load(b, e, small, Grants{})) })
}

// BenchmarkLoad is a start of the daemon as far as modules are concerned.
func BenchmarkLoad(b *testing.B) {
	wasm := defaultWasm(b)
	b.Run("default/cold", func(b *testing.B) {
		for b.Loop() {
			load(b, testEngine(b, Options{}), wasm, translates)
		}
	})
	b.Run("default/warm", func(b *testing.B) {
		load(b, testEngine(b, Options{CacheDir: sharedCache(b)}), wasm, translates)
		for b.Loop() {
			load(b, testEngine(b, Options{CacheDir: sharedCache(b)}), wasm, translates)
		}
	})
}

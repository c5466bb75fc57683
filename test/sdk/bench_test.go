package sdk

import (
	"context"
	"testing"
	"time"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
)

// BenchmarkSample is one evaluation of the sample, which reads two facts and makes
// three entries, with nothing remembered.
func BenchmarkSample(b *testing.B) {
	facts := sdk.Map{"pod.label.egress": "node", "vpc.cidrs": sdk.List("10.0.0.0/16", "100.64.0.0/16")}
	for _, language := range languages {
		b.Run(language, func(b *testing.B) {
			wasm := sample(b, language)
			ctx := context.Background()
			engine, err := policy.NewEngine(ctx, policy.Options{Deadline: time.Minute})
			if err != nil {
				b.Fatal(err)
			}
			defer engine.Close(ctx)
			m, err := engine.Load(ctx, language, wasm, map[string]string{"partners": "10.1.0.0/16"}, policy.Grants{Translate: true})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Decide(ctx, facts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

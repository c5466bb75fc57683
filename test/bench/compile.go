package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/snatd/snatd/rules"
)

// measureCompile compiles the decisions for 250 pods on a node that excludes
// 1,000 CIDRs: as a node is, where a drop-in makes two kinds of pods, and at
// the worst, where no two pods are alike.
func measureCompile(ctx context.Context, o options) ([]row, error) {
	const cidrs, pods = 1000, 250
	alike := differingPods(pods, cidrs)
	for i := range alike[:pods/2] {
		alike[i].Decisions = decisions(cidrs)
	}
	unlike := make([]rules.Decided, pods)
	for i := range unlike {
		more := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31, byte(i), 0}), 24)
		unlike[i] = rules.Decided{Subject: podSubject(i), Decisions: differing(cidrs, more)}
	}
	node := decisions(cidrs)
	compile := func(pods []rules.Decided, classes int) func(context.Context) (float64, error) {
		return func(context.Context) (float64, error) {
			start := time.Now()
			ruleset, err := rules.Compile(network, node, pods)
			took := time.Since(start)
			if err != nil {
				return 0, err
			}
			if len(ruleset.Classes) != classes {
				return 0, fmt.Errorf("%d classes, want %d", len(ruleset.Classes), classes)
			}
			return float64(took), nil
		}
	}
	variants := []variant{
		{"compile 1,000 CIDRs x 250 pods of two kinds", compile(alike, 2)},
		{"compile 1,000 CIDRs x 250 pods, all unlike", compile(unlike, pods+1)},
	}
	samples, err := o.rounds(ctx, 15, variants)
	if err != nil {
		return nil, err
	}
	var rows []row
	for i, v := range variants {
		rows = append(rows, newRow(v.name, inTime, samples[i], 0))
	}
	return rows, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/rules"
)

// measureApply brings 1,000 intervals into a new network namespace, with the
// dataplane and with "nft -f". The start of nft's process is part of its time,
// for whoever uses nft pays it; the daemon is there already.
func measureApply(ctx context.Context, o options) ([]row, error) {
	const cidrs = 1000
	ruleset, err := rules.Compile(network, decisions(cidrs), nil)
	if err != nil {
		return nil, err
	}
	if n := len(ruleset.Classes[0].Intervals); n != cidrs {
		return nil, fmt.Errorf("%d intervals, want %d", n, cidrs)
	}
	ours := variant{"full apply of 1,000 intervals, snatd", func(context.Context) (float64, error) {
		return applyPlan(ruleset)
	}}
	theirs := variant{name: "full apply of 1,000 intervals, nft -f"}
	nft, ok := tool("nft")
	if !ok {
		samples, err := o.rounds(ctx, 30, []variant{ours})
		if err != nil {
			return nil, err
		}
		return []row{
			newRow(ours.name, inTime, samples[0], 0),
			{Name: theirs.name, NotMeasured: installTools},
		}, nil
	}
	text := rules.Replace(ruleset).Ops.String()
	theirs.once = func(context.Context) (float64, error) { return applyText(nft, text) }
	samples, err := o.rounds(ctx, 30, []variant{ours, theirs})
	if err != nil {
		return nil, err
	}
	return []row{
		newRow(ours.name, inTime, samples[0], 0).compare("nft -f", samples[0].against(samples[1]), 1.5),
		newRow(theirs.name, inTime, samples[1], 0),
	}, nil
}

// applyPlan returns the time in ns.
func applyPlan(ruleset *rules.Ruleset) (took float64, err error) {
	return onNewNode(func(d *dataplane.Dataplane) (float64, error) {
		took, err := timed(func() error { return d.Apply(rules.Replace(ruleset).Ops) })
		return took, errors.Join(err, expectTable(d))
	})
}

// applyText returns the time in ns.
func applyText(nft, text string) (took float64, err error) {
	n, err := newNamespace("node")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	start := time.Now()
	if err := pipe(n, text, nft, "-f", "-"); err != nil {
		return 0, err
	}
	took = float64(time.Since(start))
	d, err := openDataplane(n)
	if err != nil {
		return 0, err
	}
	return took, errors.Join(expectTable(d), d.Close())
}

package main

import (
	"context"
	"errors"
	"fmt"
)

// measureFlows sends new flows from a pod to the internet, through nodes that
// exclude 5 to 5,000 other destinations, and through nodes that have no NAT.
func measureFlows(ctx context.Context, o options) (rows []row, err error) {
	all, missing := flowVariants()
	var variants []variant
	for _, v := range all {
		run, failed := v.open(o)
		if failed != nil {
			return nil, fmt.Errorf("%s: %w", v.name, failed)
		}
		defer func() { err = errors.Join(err, run.close()) }()
		variants = append(variants, variant{v.name, run.once})
	}
	samples, err := o.rounds(ctx, 150, variants)
	if err != nil {
		return nil, err
	}
	byName := map[string]sample{}
	for i, v := range variants {
		byName[v.name] = samples[i]
	}
	for i, v := range all {
		r := newRow(v.name, inTime, samples[i], 0)
		for _, other := range v.against {
			r = r.compare(other.short, samples[i].against(byName[other.name]), other.target)
		}
		rows = append(rows, r)
	}
	return append(rows, missing...), nil
}

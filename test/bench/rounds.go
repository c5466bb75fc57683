package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
)

// variant is one of several things that are measured against each other. once
// takes one measurement, in nanoseconds or bytes.
type variant struct {
	name string
	once func(context.Context) (float64, error)
}

// rounds measures every variant once per round, each round in another order:
// what else the machine does, and what one variant leaves in its caches, then
// hits all of them alike. The first round warms up and is dropped. The samples
// are in the order of the variants and of the rounds.
//
// A smoke run has one round and keeps it.
func (o options) rounds(ctx context.Context, rounds int, variants []variant) ([]sample, error) {
	dropped := 1
	if o.smoke {
		rounds, dropped = 1, 0
	}
	samples := make([]sample, len(variants))
	random := rand.New(rand.NewPCG(1, 2)) // the same orders in every run
	for round := range dropped + rounds {
		for _, i := range random.Perm(len(variants)) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			// What this program has allocated is not collected at a variant's cost.
			runtime.GC()
			value, err := variants[i].once(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", variants[i].name, err)
			}
			if round >= dropped {
				samples[i] = append(samples[i], value)
			}
		}
	}
	return samples, nil
}

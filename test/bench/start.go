package main

import (
	"context"
	"errors"
	"time"
)

// Targets for the daemon with the default module.
const (
	coldTarget   = 2 * time.Second
	warmTarget   = 300 * time.Millisecond
	memoryTarget = 64 << 20 // bytes
)

// measureStart starts the daemon on a node: with an empty module cache, where
// the default module has to be compiled, and with the cache that an earlier
// start has left. The time goes from the start of the process until the kernel
// has the table; the memory is what the process holds once it says it is ready.
func measureStart(ctx context.Context, o options) (rows []row, err error) {
	s, end, err := newStarter(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()

	// Each start leaves the cache warm.
	var coldMemory, warmMemory sample
	start := func(cold bool, memory *sample) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) {
			if err := s.setCache(ctx, cold); err != nil {
				return 0, err
			}
			took, resident, err := s.start(ctx)
			*memory = append(*memory, resident)
			return float64(took), err
		}
	}
	samples, err := o.rounds(ctx, 9, []variant{
		{"cold", start(true, &coldMemory)},
		{"warm", start(false, &warmMemory)},
	})
	if err != nil {
		return nil, err
	}
	return []row{
		newRow("snatd run to first rules, cold module cache", inTime, samples[0], float64(coldTarget)),
		newRow("snatd run to first rules, warm module cache", inTime, samples[1], float64(warmTarget)),
		newRow("resident memory after a cold start", inMemory, coldMemory, memoryTarget),
		newRow("resident memory after a warm start", inMemory, warmMemory, memoryTarget),
	}, nil
}

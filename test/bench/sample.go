package main

import (
	"math"
	"slices"
)

// sample is what the rounds gave for one variant, in their order.
type sample []float64

func (s sample) median() float64 { return s.quantile(0.5) }

// quantile interpolates between the two nearest values.
func (s sample) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (sorted[high]-sorted[low])*(at-float64(low))
}

// last are the last n values: without what was noted while the rounds warmed up.
func (s sample) last(n int) sample { return s[len(s)-n:] }

// against is the median of the ratios of two variants in each round. It is
// steadier than the ratio of their medians if the machine's speed changes
// during the run.
func (s sample) against(other sample) float64 {
	ratios := make(sample, len(s))
	for i := range s {
		ratios[i] = s[i] / other[i]
	}
	return ratios.median()
}

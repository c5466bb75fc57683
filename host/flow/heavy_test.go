package flow

import (
	"math/rand/v2"
	"testing"
)

func TestHeavy(t *testing.T) {
	const size, rare = 100, 10_000
	often := map[int]int{-1: 5000, -2: 700, -3: 300}
	var all []int
	for i := range rare {
		all = append(all, i)
	}
	for one, n := range often {
		for range n {
			all = append(all, one)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	h := newHeavy[int](size)
	for _, one := range all {
		h.add(one)
		if len(h.counts) > size {
			t.Fatalf("%d counts", len(h.counts))
		}
	}
	for one, n := range often {
		if got := h.counts[one]; got > n || got < n-len(all)/(size+1) {
			t.Errorf("%d was added %d times, counted %d times", one, n, got)
		}
	}
}

// What fits is counted exactly.
func TestHeavyIsExact(t *testing.T) {
	h := newHeavy[int](3)
	for i := range 30 {
		h.add(i % 3)
	}
	for one, n := range h.counts {
		if n != 10 {
			t.Errorf("%d is counted %d times", one, n)
		}
	}
	if len(h.counts) != 3 {
		t.Errorf("%d counts", len(h.counts))
	}
}

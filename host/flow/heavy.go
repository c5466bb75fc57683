package flow

// heavy counts what there is most of, in memory that does not grow with how many
// different ones there are (Misra and Gries): of n that were added, a count is at most
// n/(size+1) too low, and what was added more often than that is counted.
type heavy[K comparable] struct {
	size   int
	counts map[K]int
}

func newHeavy[K comparable](size int) *heavy[K] { return &heavy[K]{size, map[K]int{}} }

func (h *heavy[K]) add(one K) {
	if _, known := h.counts[one]; known || len(h.counts) < h.size {
		h.counts[one]++
		return
	}
	for other := range h.counts {
		if h.counts[other]--; h.counts[other] == 0 {
			delete(h.counts, other)
		}
	}
}

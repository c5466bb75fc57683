package rules

import "github.com/snatd/snatd/rules/nft"

// Tally sums counters by module and action, over the lives of single counters: its
// totals never fall, although counters go with their classes, or with the table. What
// was counted between the last reading of a counter and its end is lost. The zero Tally
// has every counter's whole life.
type Tally struct {
	before map[string]nft.Count // what does not count, by counter
	last   map[string]nft.Count // as read last
	gone   map[Decider]nft.Count
}

// NewTally returns the Tally of what is counted from now on, where counters show before.
func NewTally(before map[string]nft.Count) *Tally {
	t := &Tally{before: map[string]nft.Count{}}
	for name, count := range before {
		t.before[name] = count
	}
	t.Add(before)
	return t
}

// Add takes what all counters of the table show now. Readings have to come in the order
// in which they were made.
func (t *Tally) Add(counts map[string]nft.Count) {
	for name, was := range t.last {
		now, there := counts[name]
		if there && now.Packets >= was.Packets && now.Bytes >= was.Bytes {
			continue
		}
		// It is gone, or another one has its name.
		if t.gone == nil {
			t.gone = map[Decider]nft.Count{}
		}
		_, d, _ := Counted(name)
		t.gone[d] = t.gone[d].Plus(was.Minus(t.before[name]))
		delete(t.before, name)
	}
	t.last = make(map[string]nft.Count, len(counts))
	for name, count := range counts {
		if _, _, ours := Counted(name); ours {
			t.last[name] = count
		}
	}
}

// Totals are the sums of what Add took.
func (t *Tally) Totals() map[Decider]nft.Count {
	totals := make(map[Decider]nft.Count, len(t.gone))
	for d, count := range t.gone {
		totals[d] = count
	}
	for name, count := range t.last {
		_, d, _ := Counted(name)
		totals[d] = totals[d].Plus(count.Minus(t.before[name]))
	}
	return totals
}

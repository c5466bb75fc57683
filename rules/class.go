package rules

import (
	"cmp"
)

// classOf makes a class without a name of spans that cover every address.
func classOf(flat []span) Class {
	most := commonest(flat)
	c := Class{Default: most.outcome, Module: most.module}
	// Spans beside each other differ: at least every second one is an interval.
	c.Intervals = make([]Interval, 0, len(flat)/2+1)
	for _, s := range flat {
		if s.ruling != most {
			c.Intervals = append(c.Intervals, Interval{address(s.first), address(s.last), s.outcome, s.module})
		}
	}
	c.content = c.computed()
	return c
}

// commonest returns the ruling that the most addresses have. Of two that
// cover half each Exclude is taken, so that a class is the same however its
// decision was written.
func commonest(flat []span) ruling {
	type share struct {
		ruling
		addresses uint64
	}
	var shares []share
	index := map[ruling]int{}
	last, other := -1, -1 // neighbours mostly take turns
	for _, s := range flat {
		if last, other = other, last; last < 0 || shares[last].ruling != s.ruling {
			known := false
			if last, known = index[s.ruling]; !known {
				last, shares = len(shares), append(shares, share{ruling: s.ruling})
				index[s.ruling] = last
			}
		}
		shares[last].addresses += s.size()
	}
	var best share
	for _, s := range shares {
		if order := cmp.Or(
			cmp.Compare(s.addresses, best.addresses),
			cmp.Compare(rank(s.outcome), rank(best.outcome)),
			best.outcome.Source.Compare(s.outcome.Source),
			cmp.Compare(best.module, s.module),
		); order > 0 {
			best = s
		}
	}
	return best.ruling
}

func rank(o Outcome) int {
	if o.Action == Exclude {
		return 1
	}
	return 0
}

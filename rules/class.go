package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
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

// content is the class without its name, as bytes: classes are the same if it
// is the same.
func (c Class) content() string {
	b := c.ruling().append(make([]byte, 0, 48+40*len(c.Intervals)))
	for n := range c.Intervals {
		i := &c.Intervals[n]
		b = binary.BigEndian.AppendUint32(b, number(i.First))
		b = binary.BigEndian.AppendUint32(b, number(i.Last))
		b = i.ruling().append(b)
	}
	return string(b)
}

// canonicalNames names classes by their contents. All contents go in at once:
// should two have one hash, the names do not depend on the order of the pods.
func canonicalNames(contents []string) map[string]string {
	taken := map[string]bool{}
	names := make(map[string]string, len(contents))
	for _, content := range slices.Sorted(slices.Values(contents)) {
		if _, named := names[content]; !named {
			names[content] = freeName(content, taken)
		}
	}
	return names
}

// freeName returns the name for content, or the next one that is not taken, and
// takes it. Names are short because the kernel is sent one with every element
// that leads to the class; that is why they can collide.
func freeName(content string, taken map[string]bool) string {
	for try := 0; ; try++ {
		text := content
		if try > 0 {
			text += "\n" + strconv.Itoa(try)
		}
		sum := sha256.Sum256([]byte(text))
		name := "c_" + hex.EncodeToString(sum[:])[:12]
		if !taken[name] {
			taken[name] = true
			return name
		}
	}
}

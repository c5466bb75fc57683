package page

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/rules"
)

// column is all destinations that each of the classes treats alike.
type column struct {
	// Ranges are the first of them, as prefixes where they are one; More is how many others
	// there are, and Else says that there are the most addresses in this column.
	Ranges []string
	More   int
	Else   bool
	// To is one of the destinations.
	To string

	addresses uint64
	cells     []cell // by class
}

// mostRanges is how many of a column are named.
const mostRanges = 3

// columnsOf divides the address space by what the classes do: at most so many columns as
// there are ranges in them, the one with the most addresses last.
func columnsOf(classes []rules.Class) []column {
	at := make([]int, len(classes)) // the interval that is next, by class
	var columns []column
	index := map[string]int{} // by what all classes do
	starts := startsOf(classes)
	for i, start := range starts {
		last := uint32(1<<32 - 1)
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		cells := make([]cell, len(classes))
		key := ""
		for c, class := range classes {
			cells[c] = treatment(class, &at[c], start)
			key += fmt.Sprintln(cells[c].Outcome, cells[c].Module)
		}
		n, known := index[key]
		if !known {
			n = len(columns)
			index[key] = n
			columns = append(columns, column{cells: cells})
		}
		columns[n].add(start, last)
	}
	if len(columns) > 0 {
		largest := slices.MaxFunc(columns, func(a, b column) int { return cmp.Compare(a.addresses, b.addresses) }).addresses
		i := slices.IndexFunc(columns, func(c column) bool { return c.addresses == largest })
		rest := columns[i]
		rest.Else = true
		columns = append(slices.Delete(columns, i, i+1), rest)
	}
	return columns
}

// startsOf are the first addresses of ranges in which no class changes what it does.
func startsOf(classes []rules.Class) []uint32 {
	starts := []uint32{0}
	for _, class := range classes {
		for _, i := range class.Intervals {
			starts = append(starts, number(i.First))
			if last := number(i.Last); last != 1<<32-1 {
				starts = append(starts, last+1)
			}
		}
	}
	slices.Sort(starts)
	return slices.Compact(starts)
}

// treatment is what a class does at an address; at moves on through its intervals.
func treatment(class rules.Class, at *int, address uint32) cell {
	for *at < len(class.Intervals) && number(class.Intervals[*at].Last) < address {
		*at++
	}
	if *at < len(class.Intervals) && number(class.Intervals[*at].First) <= address {
		i := class.Intervals[*at]
		return cell{Outcome: i.Outcome, Module: i.Module}
	}
	return cell{Outcome: class.Default, Module: class.Module}
}

// add adds a range.
func (c *column) add(first, last uint32) {
	if c.To == "" {
		// Nobody asks about 0.0.0.0.
		c.To = netip.AddrFrom4(bytes4(min(last, max(first, 1<<24)))).String()
	}
	c.addresses += uint64(last) - uint64(first) + 1
	if len(c.Ranges) == mostRanges {
		c.More++
		return
	}
	c.Ranges = append(c.Ranges, rangeText(first, last))
}

// rangeText is a range as a prefix, if it is one.
func rangeText(first, last uint32) string {
	size := uint64(last) - uint64(first) + 1
	from := netip.AddrFrom4(bytes4(first))
	if size&(size-1) == 0 && uint64(first)%size == 0 {
		return netip.PrefixFrom(from, 33-bits.Len64(size)).String()
	}
	return fmt.Sprintf("%s-%s", from, netip.AddrFrom4(bytes4(last)))
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func bytes4(n uint32) (b [4]byte) {
	binary.BigEndian.PutUint32(b[:], n)
	return b
}

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
	// More is how many ranges there are beyond those that are named, and Else says that there
	// are the most addresses in this column.
	More int
	Else bool

	ranges    []addresses // the first of them
	addresses uint64
	does      string // what each class does, in numbers
}

// addresses are those from first to last.
type addresses struct{ first, last uint32 }

// mostRanges is how many of a column are named.
const mostRanges = 3

// columnsOf divides the address space by what the classes do: at most so many columns as
// there are ranges in them, the one with the most addresses last.
func columnsOf(classes []rules.Class) ([]column, *numbers) {
	reading := make([]*reader, len(classes))
	numbers := &numbers{of: map[cell]uint32{}}
	for c, class := range classes {
		reading[c] = read(class, numbers)
	}
	var columns []column
	var key []byte
	index := map[string]int{} // by what all classes do, in numbers
	starts := startsOf(classes)
	for i, start := range starts {
		last := uint32(1<<32 - 1)
		if i+1 < len(starts) {
			last = starts[i+1] - 1
		}
		key = key[:0]
		for _, r := range reading {
			key = binary.BigEndian.AppendUint32(key, r.at(start))
		}
		n, known := index[string(key)]
		if !known {
			n = len(columns)
			does := string(key)
			index[does] = n
			columns = append(columns, column{does: does})
		}
		columns[n].add(addresses{start, last})
	}
	if len(columns) > 0 {
		largest := slices.MaxFunc(columns, func(a, b column) int { return cmp.Compare(a.addresses, b.addresses) }).addresses
		i := slices.IndexFunc(columns, func(c column) bool { return c.addresses == largest })
		rest := columns[i]
		rest.Else = true
		columns = append(slices.Delete(columns, i, i+1), rest)
	}
	return columns, numbers
}

// numbers are what classes do, each with a number.
type numbers struct {
	of   map[cell]uint32
	list []cell
}

func (n *numbers) number(what cell) uint32 {
	number, known := n.of[what]
	if !known {
		number = uint32(len(n.list))
		n.of[what] = number
		n.list = append(n.list, what)
	}
	return number
}

// cell is what a class does in a column.
func (n *numbers) cell(c column, class int) cell {
	return n.list[binary.BigEndian.Uint32([]byte(c.does[4*class:]))]
}

// startsOf are the first addresses of ranges in which no class changes what it does.
func startsOf(classes []rules.Class) []uint32 {
	starts := []uint32{0}
	for _, class := range classes {
		for _, i := range class.Intervals {
			starts = append(starts, toNumber(i.First))
			if last := toNumber(i.Last); last != 1<<32-1 {
				starts = append(starts, last+1)
			}
		}
	}
	slices.Sort(starts)
	return slices.Compact(starts)
}

// reader goes through the intervals of a class.
type reader struct {
	firsts, lasts, does []uint32
	otherwise           uint32 // what it does elsewhere
	next                int
}

// read prepares a class: what it does is told in numbers, which all classes share.
func read(class rules.Class, numbers *numbers) *reader {
	r := &reader{otherwise: numbers.number(cell{class.Default, class.Module})}
	for _, i := range class.Intervals {
		r.firsts, r.lasts = append(r.firsts, toNumber(i.First)), append(r.lasts, toNumber(i.Last))
		r.does = append(r.does, numbers.number(cell{i.Outcome, i.Module}))
	}
	return r
}

// at is what the class does at an address, which is higher each time.
func (r *reader) at(address uint32) uint32 {
	for r.next < len(r.lasts) && r.lasts[r.next] < address {
		r.next++
	}
	if r.next < len(r.firsts) && r.firsts[r.next] <= address {
		return r.does[r.next]
	}
	return r.otherwise
}

func (c *column) add(more addresses) {
	c.addresses += more.size()
	if len(c.ranges) == mostRanges {
		c.More++
		return
	}
	c.ranges = append(c.ranges, more)
}

// Ranges are those that are named, as prefixes where they are one.
func (c column) Ranges() (list []string) {
	for _, r := range c.ranges {
		list = append(list, r.String())
	}
	return list
}

// To is one of the destinations; nobody asks about 0.0.0.0.
func (c column) To() string {
	r := c.ranges[0]
	return toAddress(min(r.last, max(r.first, 1<<24))).String()
}

func (a addresses) size() uint64 { return uint64(a.last) - uint64(a.first) + 1 }

// String is a prefix, if it is one.
func (a addresses) String() string {
	size := a.size()
	if size&(size-1) == 0 && uint64(a.first)%size == 0 {
		return netip.PrefixFrom(toAddress(a.first), 33-bits.Len64(size)).String()
	}
	return fmt.Sprintf("%s-%s", toAddress(a.first), toAddress(a.last))
}

func toNumber(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func toAddress(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

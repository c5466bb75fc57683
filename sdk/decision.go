package sdk

import (
	"errors"
	"net/netip"
	"strconv"

	"github.com/snatd/snatd/sdk/abi"
)

// Decision collects a policy's answer for one subject; the zero Decision is
// empty. The longest prefix that covers a destination decides, the order of the
// calls does not matter. A prefix that is given again with the same outcome is
// ignored.
//
// A call with a prefix that cannot be one, or with one that already has another
// outcome, makes the whole decision an error, as it would be in the host.
type Decision struct {
	entries []compact
	index   map[uint64]int // into entries, by destination
	lines   []Line
	err     error // of the first call that was wrong
}

// Exclude keeps the pod's address towards prefix.
func (d *Decision) Exclude(prefix netip.Prefix, why string) {
	d.add(Entry{Prefix: prefix, Reason: why})
}

// Translate replaces the pod's address towards prefix by the node's primary
// address. The operator must have granted it.
func (d *Decision) Translate(prefix netip.Prefix, why string) {
	d.add(Entry{Prefix: prefix, Translate: true, Reason: why})
}

// TranslateTo is Translate to another IPv4 address. The operator must have granted
// that address (grants.sources), and the node's primary interface must hold it:
// else the decision is an error, and the last good one stays in force.
func (d *Decision) TranslateTo(prefix netip.Prefix, source netip.Addr, why string) {
	if !source.Is4() {
		d.reject("the source " + strconv.Quote(source.String()) + " for " + prefix.String() + " is not an IPv4 address")
		return
	}
	d.add(Entry{Prefix: prefix, Translate: true, Source: source, Reason: why})
}

// Entries returns the entries in the order of the calls.
func (d *Decision) Entries() []Entry {
	entries := make([]Entry, len(d.entries))
	for i, c := range d.entries {
		entries[i] = c.entry()
	}
	return entries
}

func (d *Decision) add(e Entry) {
	if err := checkPrefix(e.Prefix); err != nil {
		d.reject(err.Error())
		return
	}
	e.Reason = clip(e.Reason, abi.MaxReason)
	c := pack(e)
	if i, ok := d.index[c.destination]; ok {
		if first := d.entries[i].entry(); first.Translate != e.Translate || first.Source != e.Source {
			d.reject(e.Prefix.String() + " is given as " + first.outcome() + " and as " + e.outcome() + ", want one outcome")
		}
		return
	}
	if len(d.entries) == abi.MaxPrefixes {
		d.reject("more than " + strconv.Itoa(abi.MaxPrefixes) + " prefixes")
		return
	}
	if d.index == nil {
		d.index = map[uint64]int{}
	}
	d.index[c.destination] = len(d.entries)
	d.entries = append(d.entries, c)
}

func (d *Decision) reject(problem string) {
	if d.err == nil {
		d.err = errors.New("decision: " + problem)
	}
}

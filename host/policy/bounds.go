package policy

import (
	"encoding/binary"

	"github.com/snatd/snatd/sdk/abi"
)

// What a module may have, package abi says. It bounds what each instance takes beside
// its memory, and what the compiler does: that takes KiB for each byte of a function,
// and some 500 bytes for each value that is passed.
//
// maxEffort bounds what compiling one function takes, and maxEfforts all of them: see
// effort. The first is some 2 s and 150 MiB.
const (
	maxEffort  = 4e8
	maxEfforts = 1e10 // Go programs are taken for 20 times as much as they are
)

// work is what a function gives the compiler to do.
type work struct {
	body   int    // bytes
	blocks int    // begins and ends of blocks, and branches
	labels int    // of branches
	calls  int    // also of the host
	memory int    // loads and stores
	locals uint64 // parameters too
	values int    // that a call or a label passes at most
}

// flow is how many values are passed.
func (w work) flow() int { return w.values * (1 + w.blocks + w.labels + w.calls) }

// effort is about how long the compiler takes for a function, in units of 10 ns:
// it looks at each block again for each around or before it, keeps all locals at
// each, makes a way to each label of a table, and checks the bounds of each access
// to memory. Measured with nested and empty blocks, branches, tables of labels,
// loops over locals, calls and loads.
func (w work) effort() float64 {
	blocks := float64(w.blocks)
	return blocks*(9*blocks+1100*float64(w.locals)) + 150*float64(w.body) + 2600*float64(w.labels) +
		5000*float64(w.calls) + 7000*float64(w.memory) + 500*float64(w.flow())
}

// bounded is a module within the limits.
type bounded struct {
	wasm []byte
	// restorable says that an instance's memory and mutable globals are all that
	// an evaluation can change in it; globals are the names that these are
	// exported as.
	restorable bool
	globals    []string
}

// bound refuses a module that claims more than these limits, and gives every
// table a maximum: wazero has no limit of its own for tables that grow, and
// linkers (Go's among them) write none. It also exports the mutable globals of a
// module that is restorable.
//
// A module that passes is read by wazero in the same way, item by item; one that
// lies about its sizes would take the memory of the whole process.
func bound(wasm []byte) (bounded, error) {
	s := &scanner{data: wasm, at: len(coreHeader), end: len(wasm)}
	b := bounds{scanner: s}
	last := 0
	for s.at < len(wasm) && s.err == nil {
		id := s.byte()
		if id != sectionCustom {
			if turn := order(id); turn > last {
				last = turn
			} else {
				s.fail("has its sections in another order than that of WebAssembly, at byte %d", s.at-1)
			}
		}
		before := s.at
		size := s.count()
		s.end = s.at + size
		b.section(id)
		if s.err == nil && s.at != s.end {
			s.malformed()
		}
		switch id {
		case sectionTable:
			b.limitTables(before)
		case sectionExport:
			b.exports.from, b.exports.to = before, s.at
		}
		s.end = len(wasm)
	}
	if s.err != nil {
		return bounded{}, s.err
	}
	restorable := !b.unrestorable && b.exports.to > 0 && len(b.variables) <= maxRestored
	out := bounded{restorable: restorable}
	if restorable {
		out.globals = b.exportVariables()
	}
	out.wasm = apply(wasm, b.edits)
	return out, nil
}

// bounds is what bound found.
type bounds struct {
	*scanner
	tables  []tableLimits
	edits   []edit  // in the order of the module
	items   int     // of element segments
	params  int     // the most that a type has
	values  int     // parameters and results, the most that a type has
	passed  int     // parameters and results of all types
	work    work    // of the function at hand
	efforts float64 // of all functions

	globals      int                           // so far
	variables    []int                         // the mutable globals
	exports      struct{ from, items, to int } // the section, from its size on
	exported     int                           // so many
	unrestorable bool                          // an evaluation can change more than memory and numbers
}

// edit is what stands in the place of a part of a module.
type edit struct {
	from, to int
	with     []byte
}

func apply(wasm []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return wasm
	}
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, wasm[at:e.from]...), e.with...)
		at = e.to
	}
	return append(out, wasm[at:]...)
}

// sized is a section's content with its size before it.
func sized(content []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(content))), content...)
}

type tableLimits struct {
	kind        byte
	least, most uint32
}

func (b *bounds) table() {
	kind := b.byte()
	if b.err == nil && kind != 0x70 && kind != 0x6f {
		b.fail("has a table of type 0x%02x; accepted: funcref or externref, without initial values", kind)
	}
	least, most, bounded := b.limits()
	if !bounded {
		most = abi.BoundElements
	}
	b.tables = append(b.tables, tableLimits{kind, least, most})
}

// limitTables checks the tables and writes their section anew, which ends here: what
// the minima leave of the entries is shared out as room to grow.
func (b *bounds) limitTables(from int) {
	total := uint64(0)
	for _, t := range b.tables {
		total += uint64(t.least)
	}
	if len(b.tables) > abi.BoundTables {
		b.fail("has %d tables; accepted: at most %d", len(b.tables), abi.BoundTables)
	}
	if total > abi.BoundElements {
		b.fail("has tables of %d entries; accepted: at most %d", total, abi.BoundElements)
	}
	if b.err != nil || len(b.tables) == 0 {
		return
	}
	room := (abi.BoundElements - uint32(total)) / uint32(len(b.tables))
	content := binary.AppendUvarint(nil, uint64(len(b.tables)))
	for _, t := range b.tables {
		content = append(content, t.kind, 1)
		content = binary.AppendUvarint(content, uint64(t.least))
		content = binary.AppendUvarint(content, uint64(min(t.most, t.least+room)))
	}
	b.edits = append(b.edits, edit{from, b.at, sized(content)})
}

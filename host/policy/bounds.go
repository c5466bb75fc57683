package policy

import (
	"encoding/binary"
	"slices"
)

// Limits of what every instance of a module has beside its memory, and of what
// compiling it takes. All are far above what compilers produce.
const (
	maxTables    = 16      // tables
	maxElements  = 1 << 16 // entries of all tables together, also when they have grown
	maxGlobals   = 1 << 16
	maxLocals    = 1000 // of one function
	maxTypes     = 2000
	maxFunctions = 20_000
	maxValues    = 1000 // parameters, and results, of one type
	maxImports   = 100  // the ABI and WASI have some 60 functions
	maxExports   = 1000
	maxParts     = 1000     // segments of elements
	maxSegments  = 50_000   // of data; linkers write one for each run of bytes
	maxNames     = 4 << 20  // bytes of the section with names
	maxBody      = 64 << 10 // bytes of one function: the compiler takes KiB for each
	// maxEffort bounds what compiling one function takes, and maxEfforts all of
	// them: see effort. The first is some 2 s and 150 MiB.
	maxEffort  = 4e8
	maxEfforts = 2e10
)

// effort is about how long the compiler takes for a function, in units of 10 ns:
// it looks at each block again for each around or before it, keeps all locals at
// each, and each byte may be a label that it makes a way to. Measured with nested
// and empty blocks, branches, tables of labels, and loops over locals.
func effort(body, blocks int, locals uint64) float64 {
	return float64(blocks)*(9*float64(blocks)+1100*float64(locals)) + 2600*float64(body)
}

// blocksIn is how many blocks a body has at most: bytes that begin or end one may
// be others' operands too.
func blocksIn(body []byte) (n int) {
	for _, instruction := range body {
		switch instruction {
		case 0x02, 0x03, 0x04, 0x05, 0x0c, 0x0d, 0x0e: // block, loop, if, else, br, br_if, br_table
			n++
		}
	}
	return n
}

// bound refuses a module that claims more than these limits, and gives every
// table a maximum: wazero has no limit of its own for tables that grow, and
// linkers (Go's among them) write none. It returns the module with the maxima.
//
// A module that passes is read by wazero in the same way, item by item; one that
// lies about its sizes would take the memory of the whole process.
func bound(wasm []byte) ([]byte, error) {
	s := &scanner{data: wasm, at: len(coreHeader), end: len(wasm)}
	b := bounds{scanner: s}
	for s.at < len(wasm) && s.err == nil {
		id := s.byte()
		before := s.at
		size := s.count()
		s.end = s.at + size
		b.section(id)
		if s.err == nil && s.at != s.end {
			s.malformed()
		}
		if id == sectionTable && s.err == nil {
			b.replace(before)
		}
		s.end = len(wasm)
	}
	if s.err != nil {
		return nil, s.err
	}
	if b.tables == nil {
		return wasm, nil
	}
	return slices.Concat(wasm[:b.from], b.tables, wasm[b.to:]), nil
}

// bounds is what bound found.
type bounds struct {
	*scanner
	found    []tableLimits
	tables   []byte  // the table section with maxima, and its size before it
	from, to int     // what that replaces
	items    int     // of element segments
	params   int     // the most that a type has
	efforts  float64 // of all functions
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
		most = maxElements
	}
	b.found = append(b.found, tableLimits{kind, least, most})
}

// replace checks the tables and writes their section anew, which ends here: what
// the minima leave of the entries is shared out as room to grow.
func (b *bounds) replace(from int) {
	total := uint64(0)
	for _, t := range b.found {
		total += uint64(t.least)
	}
	if len(b.found) > maxTables {
		b.fail("has %d tables; accepted: at most %d", len(b.found), maxTables)
	}
	if total > maxElements {
		b.fail("has tables of %d entries; accepted: at most %d", total, maxElements)
	}
	if b.err != nil || len(b.found) == 0 {
		return
	}
	room := (maxElements - uint32(total)) / uint32(len(b.found))
	content := binary.AppendUvarint(nil, uint64(len(b.found)))
	for _, t := range b.found {
		content = append(content, t.kind, 1)
		content = binary.AppendUvarint(content, uint64(t.least))
		content = binary.AppendUvarint(content, uint64(min(t.most, t.least+room)))
	}
	b.from, b.to = from, b.at
	b.tables = append(binary.AppendUvarint(nil, uint64(len(content))), content...)
}

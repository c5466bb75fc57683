// Package wasmtest assembles small WebAssembly modules for tests, which no compiler
// would produce, and has a collection of guests that do harm, each in one way, with
// what must become of it: Adversaries.
//
// It knows the binary format and the ABI, but not the engine that runs modules.
// What is made for tests is not for a node: only tests and benchmarks import it.
package wasmtest

import (
	"bytes"
	"slices"
)

// Value types.
const (
	I32 = 0x7f
	I64 = 0x7e
)

// Signature is a function's type.
type Signature struct{ Params, Results []byte }

// Sig is the Signature of so many i32 parameters and results.
func Sig(params, results int) Signature {
	return Signature{slices.Repeat([]byte{I32}, params), slices.Repeat([]byte{I32}, results)}
}

// Module is a module under construction. Its memory has one page and is
// exported as "memory", unless changed. Imports come before functions.
type Module struct {
	Memory    string // the name that the memory is exported as; empty: not exported
	Pages     uint32 // initial size of the memory; 0: no memory at all
	types     [][]byte
	imports   [][]byte
	imported  uint32   // functions among imports
	functions [][]byte // indices of types
	code      [][]byte
	tables    [][]byte
	globals   [][]byte
	exports   [][]byte
	data      []byte
	start     []byte
}

// New returns an empty module.
func New() *Module { return &Module{Memory: "memory", Pages: 1} }

// Import adds an imported function and returns its index.
func (m *Module) Import(module, name string, s Signature) uint32 {
	m.imports = append(m.imports, slices.Concat(str(module), str(name), []byte{0x00}, m.typeOf(s)))
	m.imported++
	return m.imported - 1
}

// ImportMemory makes the module import its memory. Call it instead of having
// one.
func (m *Module) ImportMemory(module, name string) {
	m.Pages = 0
	m.imports = append(m.imports, slices.Concat(str(module), str(name), []byte{0x02, 0x00, 0x01}))
}

// ImportTable imports a table.
func (m *Module) ImportTable(module, name string) {
	m.imports = append(m.imports, slices.Concat(str(module), str(name), []byte{0x01, 0x70, 0x00, 0x01}))
}

// Table adds a table of functions; without a maximum if most is zero.
func (m *Module) Table(least, most uint32) {
	if most == 0 {
		m.tables = append(m.tables, slices.Concat([]byte{0x70, 0x00}, u32(least)))
		return
	}
	m.tables = append(m.tables, slices.Concat([]byte{0x70, 0x01}, u32(least), u32(most)))
}

// Globals adds n constants.
func (m *Module) Globals(n int) {
	m.globals = append(m.globals, slices.Repeat([][]byte{{I32, 0x00, 0x41, 0x00, opEnd}}, n)...)
}

// Variable adds an i32 that functions may change, zero at first. Variables are
// the globals 0, 1, ... if no constants come before them.
func (m *Module) Variable() {
	m.globals = append(m.globals, []byte{I32, 0x01, 0x41, 0x00, opEnd})
}

// Locals adds a function with n locals, which does nothing.
func (m *Module) Locals(n uint32) {
	m.functions = append(m.functions, m.typeOf(Sig(0, 0)))
	body := slices.Concat([]byte{0x01}, u32(n), []byte{I32, opEnd})
	m.code = append(m.code, slices.Concat(u32(uint32(len(body))), body))
}

// Func adds a function and returns its index; it is exported unless the name is
// empty. Its locals are its parameters, and one i32 more.
func (m *Module) Func(export string, s Signature, code ...[]byte) uint32 {
	index := m.Next()
	m.functions = append(m.functions, m.typeOf(s))
	body := slices.Concat([]byte{0x01, 0x01, I32}, slices.Concat(code...), []byte{opEnd})
	m.code = append(m.code, slices.Concat(u32(uint32(len(body))), body))
	if export != "" {
		m.exports = append(m.exports, slices.Concat(str(export), []byte{0x00}, u32(index)))
	}
	return index
}

// Next is the index that the next function gets, for calls of itself.
func (m *Module) Next() uint32 { return m.imported + uint32(len(m.functions)) }

// Start makes a function run when the module is instantiated.
func (m *Module) Start(function uint32) { m.start = u32(function) }

// Text puts text into the memory and returns the code that pushes its address
// and its length.
func (m *Module) Text(text string) []byte {
	return slices.Concat(Const(m.Place(text)), Const(int32(len(text))))
}

// Place puts text into the memory and returns its address.
func (m *Module) Place(text string) int32 {
	m.data = append(m.data, text...)
	return int32(len(m.data) - len(text))
}

// Bytes returns the module in the binary format.
func (m *Module) Bytes() []byte {
	var memories, segments [][]byte
	if m.Pages > 0 {
		memories = append(memories, slices.Concat([]byte{0x00}, u32(m.Pages)))
		if m.Memory != "" {
			m.exports = append(m.exports, slices.Concat(str(m.Memory), []byte{0x02, 0x00}))
		}
	}
	if len(m.data) > 0 {
		segments = append(segments, slices.Concat([]byte{0x00}, Const(0), []byte{opEnd}, str(string(m.data))))
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = append(out, section(1, m.types)...)
	out = append(out, section(2, m.imports)...)
	out = append(out, section(3, m.functions)...)
	out = append(out, section(4, m.tables)...)
	out = append(out, section(5, memories)...)
	out = append(out, section(6, m.globals)...)
	out = append(out, section(7, m.exports)...)
	if m.start != nil {
		out = append(out, slices.Concat([]byte{8}, u32(uint32(len(m.start))), m.start)...)
	}
	out = append(out, section(10, m.code)...)
	return append(out, section(11, segments)...)
}

func (m *Module) typeOf(s Signature) []byte {
	encoded := slices.Concat([]byte{0x60}, str(string(s.Params)), str(string(s.Results)))
	for i, known := range m.types {
		if bytes.Equal(known, encoded) {
			return u32(uint32(i))
		}
	}
	m.types = append(m.types, encoded)
	return u32(uint32(len(m.types) - 1))
}

// Custom is a section of a module that means nothing, to put behind it.
func Custom(size int) []byte {
	content := append(str("padding"), make([]byte, size)...)
	return slices.Concat([]byte{0}, u32(uint32(len(content))), content)
}

// Raw is a module of one section, whatever its content.
func Raw(id byte, content ...byte) []byte {
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"), []byte{id}, u32(uint32(len(content))), content)
}

// section is a vector of items with its header; empty ones are left out.
func section(id byte, items [][]byte) []byte {
	if len(items) == 0 {
		return nil
	}
	content := slices.Concat(u32(uint32(len(items))), slices.Concat(items...))
	return slices.Concat([]byte{id}, u32(uint32(len(content))), content)
}

func str(s string) []byte { return append(u32(uint32(len(s))), s...) }

package wasmtest

import (
	"bytes"
	"encoding/binary"
	"slices"
)

const (
	opBlock = 0x02
	opLoop  = 0x03
	opIf    = 0x04
	opNop   = 0x01
	opEnd   = 0x0b
)

// Instructions without operands in the code.
var (
	Unreachable = []byte{0x00}
	Return      = []byte{0x0f}
	Drop        = []byte{0x1a}
	Add         = []byte{0x6a}
	ShiftRight  = []byte{0x76}
	And         = []byte{0x71}
	Equals0     = []byte{0x45}
	Grow        = []byte{0x40, 0x00}       // memory.grow
	Fill        = []byte{0xfc, 0x0b, 0x00} // memory.fill of an address, a value and a length
	Size        = []byte{0x3f, 0x00}       // memory.size
	TableSize   = []byte{0xfc, 0x10, 0x00} // table.size of the first table
	Load        = []byte{0x28, 0x02, 0x00} // i32.load of an address
	Load8       = []byte{0x2d, 0x00, 0x00} // i32.load8_u of an address
	Store8      = []byte{0x3a, 0x00, 0x00} // i32.store8 of an address and a value
	FloatAdd    = []byte{0x92}             // of two f32
	FloatDivide = []byte{0x95}             // of two f32
	FloatBits   = []byte{0xbc}             // i32.reinterpret_f32
	Float       = []byte{0xbe}             // f32.reinterpret_i32
)

// GrowTable grows a table by the i32 on the stack, and pushes its size before or
// -1; local is an i32 that it uses.
func GrowTable(table, local uint32) []byte {
	return slices.Concat(Set(local), []byte{0xd0, 0x70}, Get(local), []byte{0xfc, 0x0f}, u32(table))
}

// Const pushes an i32.
func Const(n int32) []byte { return append([]byte{0x41}, s32(n)...) }

// Const64 pushes an i64.
func Const64(n int32) []byte { return append([]byte{0x42}, s32(n)...) }

// Call calls a function.
func Call(function uint32) []byte { return append([]byte{0x10}, u32(function)...) }

// Get pushes a local.
func Get(local uint32) []byte { return append([]byte{0x20}, u32(local)...) }

// Set pops a local.
func Set(local uint32) []byte { return append([]byte{0x21}, u32(local)...) }

// GetGlobal pushes a global.
func GetGlobal(global uint32) []byte { return append([]byte{0x23}, u32(global)...) }

// SetGlobal pops a global.
func SetGlobal(global uint32) []byte { return append([]byte{0x24}, u32(global)...) }

// ReturnCall is a tail call, of a later version of WebAssembly.
func ReturnCall(function uint32) []byte { return append([]byte{0x12}, u32(function)...) }

// Nested puts n blocks into each other.
func Nested(n int) []byte {
	return slices.Concat(bytes.Repeat([]byte{opBlock, 0x40}, n), bytes.Repeat([]byte{opEnd}, n))
}

// Forever repeats code.
func Forever(code ...[]byte) []byte {
	return slices.Concat([]byte{opLoop, 0x40}, slices.Concat(code...), []byte{0x0c, 0x00, opEnd})
}

// Times runs code n times; the i32 local counts down.
func Times(local uint32, n int32, code ...[]byte) []byte {
	return slices.Concat(Const(n), Set(local),
		[]byte{opLoop, 0x40}, slices.Concat(code...),
		Get(local), Const(-1), Add, append([]byte{0x22}, u32(local)...), []byte{0x0d, 0x00, opEnd})
}

// If runs code if the i32 on the stack is not zero.
func If(code ...[]byte) []byte {
	return slices.Concat([]byte{opIf, 0x40}, slices.Concat(code...), []byte{opEnd})
}

func u32(n uint32) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// s32 is the signed LEB128 of the format, which is not Go's zigzag.
func s32(n int32) []byte {
	var out []byte
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

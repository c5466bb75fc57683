package policy

// Operands of an instruction, as they follow it.
type operands byte

const (
	unknownOperands operands = iota
	noOperands
	oneNumber   // a LEB128: an index, a constant
	blockType   // a type, or the index of one
	twoNumbers  // alignment and offset, or two indices
	fourBytes   // f32.const
	eightBytes  // f64.const
	labels      // br_table: a list of labels, and one more
	valueTypes  // select: a list of types
	reference   // a type of references
	prefixed    // 0xfc: another number says which
	vectorized  // 0xfd: another byte says which, as wazero reads it
	oneLane     // a lane of a vector
	laneOfPlace // alignment, offset, lane
	wholeVector // v128.const, or the lanes of a shuffle
)

// plain has the operands of instructions of one byte, of WebAssembly 2.0.
var plain = func() (t [256]operands) {
	set := func(o operands, first, last int) {
		for i := first; i <= last; i++ {
			t[i] = o
		}
	}
	set(noOperands, 0x00, 0x01) // unreachable, nop
	set(blockType, 0x02, 0x04)  // block, loop, if
	t[0x05] = noOperands        // else
	t[0x0b] = noOperands        // end
	set(oneNumber, 0x0c, 0x0d)  // br, br_if
	t[0x0e] = labels            // br_table
	t[0x0f] = noOperands        // return
	t[0x10] = oneNumber         // call
	t[0x11] = twoNumbers        // call_indirect
	t[0x12] = oneNumber         // return_call: wazero says what feature that is
	t[0x13] = twoNumbers        // return_call_indirect
	set(noOperands, 0x1a, 0x1b) // drop, select
	t[0x1c] = valueTypes        // select of a type
	set(oneNumber, 0x20, 0x26)  // locals, globals, table.get, table.set
	set(twoNumbers, 0x28, 0x3e) // loads and stores
	set(oneNumber, 0x3f, 0x42)  // memory.size, memory.grow, i32.const, i64.const
	t[0x43], t[0x44] = fourBytes, eightBytes
	set(noOperands, 0x45, 0xc4) // numbers
	t[0xd0] = reference         // ref.null
	t[0xd1] = noOperands        // ref.is_null
	t[0xd2] = oneNumber         // ref.func
	t[0xfc], t[0xfd] = prefixed, vectorized
	return t
}()

const (
	tableSet = 0x26

	// Behind 0xfc.
	memoryInit = 8
	dataDrop   = 9
	memoryCopy = 10
	memoryFill = 11
	tableInit  = 12
	elemDrop   = 13
	tableCopy  = 14
	tableGrow  = 15
	tableSize  = 16
	tableFill  = 17
)

// instructions walks a function's code up to its end, and counts what takes the
// compiler work. It notes those that change what cannot be restored.
func (b *bounds) instructions(end int) {
	section := b.end
	b.end = end
	for b.at < end && b.err == nil {
		instruction := b.byte()
		switch instruction {
		case 0x02, 0x03, 0x04, 0x05, 0x0c, 0x0d, 0x0e: // block, loop, if, else, br, br_if, br_table
			b.work.blocks++
		case 0x10, 0x11: // call, call_indirect
			b.work.calls++
		case tableSet:
			b.unrestorable = true
		}
		if 0x28 <= instruction && instruction <= 0x40 {
			b.work.memory++
		}
		switch o := plain[instruction]; o {
		case noOperands:
		case prefixed:
			b.prefixed()
		case vectorized:
			b.operands(vectorOperands(b.byte()))
		case unknownOperands:
			b.at--
			b.fail("has the unknown instruction 0x%02x at byte %d; accepted: those of WebAssembly 2.0", instruction, b.at)
		default:
			b.operands(o)
		}
	}
	b.end = section
}

func (b *bounds) prefixed() {
	switch n := b.number(); n {
	case 0, 1, 2, 3, 4, 5, 6, 7: // conversions that saturate
	case memoryFill, tableSize:
		b.signed()
	case memoryInit, memoryCopy:
		b.operands(twoNumbers)
	case dataDrop, elemDrop, tableGrow, tableFill:
		b.unrestorable = true
		b.signed()
	case tableInit, tableCopy:
		b.unrestorable = true
		b.operands(twoNumbers)
	default:
		b.fail("has the unknown instruction 0xfc %d before byte %d; accepted: those of WebAssembly 2.0", n, b.at)
	}
}

// vectorOperands are those of an instruction behind 0xfd. Numbers from 128 on have
// a second byte, 0x01: wazero reads it as an instruction, which does nothing, and
// any other that stands there as well.
func vectorOperands(n byte) operands {
	switch {
	case n <= 11 || n == 92 || n == 93: // loads and stores
		return twoNumbers
	case n == 12 || n == 13: // v128.const, i8x16.shuffle
		return wholeVector
	case 21 <= n && n <= 34: // lanes
		return oneLane
	case 84 <= n && n <= 91: // loads and stores of a lane
		return laneOfPlace
	}
	return noOperands
}

func (b *bounds) operands(o operands) {
	switch o {
	case oneNumber:
		b.signed()
	case twoNumbers:
		b.signed()
		b.signed()
	case fourBytes:
		b.skip(4)
	case eightBytes:
		b.skip(8)
	case labels:
		b.work.labels += b.each(b.signed)
		b.signed()
	case blockType:
		b.blockType()
	case valueTypes:
		b.each(b.valueType)
	case reference:
		b.referenceType()
	case oneLane:
		b.skip(1)
	case laneOfPlace:
		b.signed()
		b.signed()
		b.skip(1)
	case wholeVector:
		b.skip(16)
	}
}

// blockType passes the type of a block: none, a value's, or the index of a
// function's. wazero reads it as a number of 33 bits, and where that is negative
// more may follow.
func (b *bounds) blockType() {
	if kind := b.byte(); b.err != nil || kind == 0x40 || isValueType(kind) {
		return
	}
	b.at--
	if b.number(); b.err == nil && b.data[b.at-1]&0x40 != 0 {
		b.malformed()
	}
}

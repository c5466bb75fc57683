package neighbour

import "golang.org/x/sys/unix"

// cellSize is that of the registers NFT_REG32_00 to NFT_REG32_15; NFT_REG_1 to NFT_REG_4
// are four of them each.
const cellSize = 4

type cell struct {
	bytes [cellSize]byte
	sure  certainty
}

// registers carry values from one expression of a rule to the next.
type registers [16]cell

// cells are those of a register, up to the last.
func (r *registers) cells(register uint32) []cell {
	switch {
	case register >= unix.NFT_REG_1 && register <= unix.NFT_REG_4:
		return r[(register-unix.NFT_REG_1)*4:]
	case register >= unix.NFT_REG32_00 && register <= unix.NFT_REG32_15:
		return r[register-unix.NFT_REG32_00:]
	}
	return nil
}

// store writes a value of that length in bytes.
func (r *registers) store(register uint32, length int, v value) {
	cells := r.cells(register)
	for i := 0; i*cellSize < length && i < len(cells); i++ {
		cells[i] = cell{sure: v.sure}
		if v.sure == known && i*cellSize < len(v.bytes) {
			copy(cells[i].bytes[:], v.bytes[i*cellSize:])
		}
	}
}

// load reads that many bytes. A part that is not clear makes all of it so, a part that is
// free too.
func (r *registers) load(register uint32, length int) value {
	cells := r.cells(register)
	v := value{}
	for i := 0; i*cellSize < length; i++ {
		if i >= len(cells) {
			return value{sure: unclear}
		}
		v.sure = max(v.sure, cells[i].sure)
		v.bytes = append(v.bytes, cells[i].bytes[:]...)
	}
	if v.sure != known {
		return value{sure: v.sure}
	}
	v.bytes = v.bytes[:length]
	return v
}

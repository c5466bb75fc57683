package neighbour

import "golang.org/x/sys/unix"

// registers carry values from one expression of a rule to the next. They are
// NFT_REG32_00 to NFT_REG32_15; NFT_REG_1 to NFT_REG_4 are four of them each.
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

// store writes a value.
func (r *registers) store(register uint32, v value) { copy(r.cells(register), v) }

// load reads a value of that length in bytes.
func (r *registers) load(register uint32, length int) value {
	v := uniform(unclear, length)
	copy(v, r.cells(register))
	return v
}

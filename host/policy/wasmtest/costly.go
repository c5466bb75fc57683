package wasmtest

import "bytes"

// Costly is a small module within all static limits whose compilation takes hundreds
// of MiB: it keeps thousands of values while it goes through thousands of blocks. It is
// no Adversary, for it is one to the process that compiles it alone.
func Costly() []byte {
	g := NewGuest()
	load := append(Get(0), Load...)
	empty := append(Get(0), opIf, 0x40, opNop, opEnd)
	g.Func("", Sig(1, 1), bytes.Repeat(load, 6_000), bytes.Repeat(empty, 4_000), bytes.Repeat(Add, 5_999))
	return g.Decide(0)
}

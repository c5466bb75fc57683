package wasmtest

import "slices"

// smugglers try to carry something from one evaluation to the next, or to see
// something that varies.
func smugglers() []Adversary {
	// once fails unless the condition pushes 0, which it does the first time.
	once := func(g Guest, reason string, condition, change []byte) []byte {
		return g.Decide(0, condition, If(Unreachable), change, g.Text(Excluded), g.Text(reason), g.Exclude)
	}
	return []Adversary{
		harmless("state-in-memory", "forgets memory", func(g Guest) []byte {
			return once(g, "forgets memory", slices.Concat(Const(5000), Load8), slices.Concat(Const(5000), Const(1), Store8))
		}),
		harmless("state-in-a-global", "forgets globals", func(g Guest) []byte {
			g.Variable()
			return once(g, "forgets globals", GetGlobal(0), slices.Concat(Const(1), SetGlobal(0)))
		}),
		harmless("state-in-a-table", "forgets tables", func(g Guest) []byte {
			g.Table(0, 0)
			return once(g, "forgets tables", TableSize, slices.Concat(Const(1), GrowTable(0, 0), Drop))
		}),
		// What follows this instruction of vectors looks like a part of its number.
		harmless("state-behind-a-vector", "forgets hidden tables", func(g Guest) []byte {
			g.Table(0, 0)
			ones := slices.Concat([]byte{0xfd, 0x0c}, slices.Repeat([]byte{0xff}, 16))
			grow := slices.Concat([]byte{0xd0, 0x70}, ones, []byte{0xfd, 0x83}, []byte{0xfc, 0x0f, 0x00}, Drop)
			return once(g, "forgets hidden tables", TableSize, grow)
		}),
		// A number of 33 bits ends with its fifth byte, whatever that says.
		refused("state-behind-a-block", load, "malformed WebAssembly at byte 220", func(g Guest) []byte {
			g.Table(0, 0)
			g.Func("", Sig(0, 0))
			grow := []byte{0x02, 0x85, 0x80, 0x80, 0x80, 0x80, 0x41, 0x44, 0x1a, 0xd0, 0x70, 0x41, 1, 0xfc, 0x0f, 0x00, 0x1a, 0x0b}
			return once(g, "", TableSize, grow)
		}),
		harmless("state-in-the-size-of-memory", "forgets pages", func(g Guest) []byte {
			return once(g, "forgets pages", slices.Concat(Size, Const(-1), Add), slices.Concat(Const(1), Grow, Drop))
		}),
		// Within the limit memory may grow; what was written there is gone.
		harmless("state-in-grown-memory", "forgets grown memory", func(g Guest) []byte {
			end := Const(16 << 16)
			return once(g, "forgets grown memory",
				slices.Concat(Const(16), Grow, Drop, end, Load8), slices.Concat(end, Const(1), Store8))
		}),
		// What is computed by the start function is computed anew.
		harmless("state-in-start", "starts anew", func(g Guest) []byte {
			g.Variable()
			g.Start(g.Func("", Sig(0, 0), GetGlobal(0), Const(1), Add, SetGlobal(0)))
			return once(g, "starts anew", slices.Concat(GetGlobal(0), Const(-1), Add), slices.Concat(Const(5), SetGlobal(0)))
		}),
		// The bits of a NaN may be the processor's choice.
		harmless("nan-of-a-division", Some, func(g Guest) []byte {
			return g.decideNumber(Const(0), Float, Const(0), Float, FloatDivide, FloatBits)
		}),
		harmless("nan-with-a-payload", Some, func(g Guest) []byte {
			return g.decideNumber(Const(0x7fa00012), Float, Const(0), Float, FloatAdd, FloatBits)
		}),
		harmless("nan-of-two-payloads", Some, func(g Guest) []byte {
			return g.decideNumber(Const(0x7fa00012), Float, Const(0x7fc00034), Float, FloatAdd, FloatBits)
		}),
		harmless("random", "jhoongkm", func(g Guest) []byte {
			random := g.WASI("random_get", 2)
			return g.decideBytes(8, func(at int32) []byte { return slices.Concat(Const(at), Const(8), random, If(Unreachable)) })
		}),
		harmless("clock", "aadcpmdnbaaaaaaa", func(g Guest) []byte {
			now := Call(g.Import("wasi_snapshot_preview1", "clock_time_get", Signature{[]byte{I32, I64, I32}, []byte{I32}}))
			return g.decideBytes(16, func(at int32) []byte {
				return slices.Concat(
					Const(0), Const64(1), Const(at), now, If(Unreachable),
					Const(1), Const64(1), Const(at+8), now, If(Unreachable))
			})
		}),
		harmless("environment", "aaaaaaaaaaaaaaaa", func(g Guest) []byte {
			arguments, environment := g.WASI("args_sizes_get", 2), g.WASI("environ_sizes_get", 2)
			return g.decideBytes(16, func(at int32) []byte {
				return slices.Concat(
					Const(at), Const(at+4), arguments, If(Unreachable),
					Const(at+8), Const(at+12), environment, If(Unreachable))
			})
		}),
		harmless("directories", "aaaaaaaa", func(g Guest) []byte {
			directory := g.WASI("fd_prestat_get", 2)
			return g.decideBytes(8, func(at int32) (code []byte) {
				for fd := range int32(10) { // "bad file descriptor", of whatever
					code = slices.Concat(code, Const(3+fd), Const(at), directory, Const(-8), Add, If(Unreachable))
				}
				return code
			})
		}),
		// Nobody listens; what is written shows in errors only.
		harmless("write-to-every-descriptor", "wrote", func(g Guest) []byte {
			write := g.WASI("fd_write", 4)
			text := g.Place("\x08\x00\x00\x00\x05\x00\x00\x00hello")
			var code []byte
			for fd := range int32(100) {
				code = slices.Concat(code, Const(fd-1), Const(text), Const(1), Const(100), write, Drop)
			}
			return g.Decide(0, code, g.Text(Excluded), g.Text("wrote"), g.Exclude)
		}),
		harmless("write-of-4-gib", "refused", func(g Guest) []byte {
			write := g.WASI("fd_write", 4)
			whole, many := g.Place("\x00\x00\x00\x00\xff\xff\xff\xff"), int32(-1)
			fault := slices.Concat(Const(-21), Add, If(Unreachable))
			return g.Decide(0,
				Const(2), Const(whole), Const(1), Const(100), write, fault,
				Const(2), Const(whole), Const(many), Const(100), write, fault,
				g.Text(Excluded), g.Text("refused"), g.Exclude)
		}),
		harmless("poll-of-4-billion", "refused", func(g Guest) []byte {
			poll := g.WASI("poll_oneoff", 4)
			return g.Decide(0, Const(0), Const(0), Const(-1), Const(0), poll, Equals0, If(Unreachable),
				g.Text(Excluded), g.Text("refused"), g.Exclude)
		}),
	}
}

// decideBytes excludes for a reason that is made of n bytes which code writes at
// an address: a letter from a to p for each half.
func (g Guest) decideBytes(n int32, code func(at int32) []byte) []byte {
	at, text := int32(8192), int32(12288)
	out := code(at)
	for i := range n {
		low := slices.Concat(Const(at+i), Load8, Const(15), And)
		out = slices.Concat(out, Const(text+i), low, Const('a'), Add, Store8)
	}
	return g.Decide(0, out, g.Text(Excluded), Const(text), Const(n), g.Exclude)
}

// decideNumber excludes for a reason that is made of an i32 which code pushes: a
// letter for each half of its bytes.
func (g Guest) decideNumber(code ...[]byte) []byte {
	const text = 12288
	out := slices.Concat(append(code, Set(0))...)
	for i := range int32(8) {
		digit := slices.Concat(Get(0), Const(4*i), ShiftRight, Const(15), And)
		out = slices.Concat(out, Const(text+i), digit, Const('a'), Add, Store8)
	}
	return g.Decide(0, out, g.Text(Excluded), Const(text), Const(8), g.Exclude)
}

package wasmtest

import (
	"fmt"
	"slices"

	"github.com/snatd/snatd/sdk/abi"
)

// hoarders take memory, and what costs memory.
func hoarders() []Adversary {
	grown := slices.Concat(Const(1), Add, Equals0) // 1 if the growth was refused
	return []Adversary{
		fails("memory-bomb", memory, "refused more than 256 pages of 64 KiB, then: unreachable in $6", func(g Guest) []byte {
			return g.Decide(0, Forever(Const(1), Grow, grown, If(Unreachable)))
		}),
		fails("memory-bomb-that-goes-on", deadline, "decide took longer than ", func(g Guest) []byte {
			return g.Decide(0, Forever(Const(1), Grow, Drop))
		}),
		harmless("memory-bomb-that-gives-up", "modest", func(g Guest) []byte {
			return g.Decide(0, Const(65535), Grow, grown, Equals0, If(Unreachable), g.Text(Excluded), g.Text("modest"), g.Exclude)
		}),
		refused("memory-huge", load, "needs 65536 pages of memory; accepted: at most 256, of 64 KiB each", func(g Guest) []byte {
			g.Pages = 1 << 16
			return g.Decide(0)
		}),
		refused("memory-larger-than-memory-can-be", load,
			"section memory: min 4294967295 pages (3 Ti) over limit of 65536 pages (4 Gi)", func(g Guest) []byte {
				g.Pages = 1<<32 - 1
				return g.Decide(0)
			}),
		refused("memory-bomb-in-start", memory, "refused more than 256 pages of 64 KiB, then: unreachable in $6", func(g Guest) []byte {
			g.Start(g.Func("", Sig(0, 0), Forever(Const(100), Grow, grown, If(Unreachable))))
			return g.Decide(0)
		}),
		refused("table-huge", load, "has tables of 134217728 entries; accepted: at most 65536", func(g Guest) []byte {
			g.Table(1<<27, 0)
			return g.Decide(0)
		}),
		fails("table-bomb", trap, "unreachable in $6", func(g Guest) []byte {
			g.Table(0, 0)
			return g.Decide(0, Forever(Const(1<<12), GrowTable(0, 0), grown, If(Unreachable)))
		}),
		refused("tables", load, "has 17 tables; accepted: at most 16", func(g Guest) []byte {
			for range 17 {
				g.Table(1, 1)
			}
			return g.Decide(0)
		}),
		refused("globals", load, "has 65537 globals; accepted: at most 65536", func(g Guest) []byte {
			g.Globals(1<<16 + 1)
			return g.Decide(0)
		}),
		refused("locals", load, "has a function with 4294967295 locals; accepted: at most 1000", func(g Guest) []byte {
			g.Locals(1<<32 - 1)
			return g.Decide(0)
		}),
		harmless("functions", "many", func(g Guest) []byte {
			for range 1000 {
				g.Func("", Sig(0, 0))
			}
			return g.Decide(0, g.Text(Excluded), g.Text("many"), g.Exclude)
		}),
		harmless("nested-blocks", "deep", func(g Guest) []byte {
			return g.Decide(0, Nested(1000), g.Text(Excluded), g.Text("deep"), g.Exclude)
		}),
		// What takes the compiler minutes, and gigabytes.
		refused("nested-blocks-for-minutes", load, "has a function of 300016 bytes; accepted: at most 65536", func(g Guest) []byte {
			return g.Decide(0, Nested(100_000), g.Text(Excluded), g.Text("deep"), g.Exclude)
		}),
		refused("nested-blocks-for-a-minute", load,
			"takes too long to compile at a function with 15000 blocks and 1 locals; accepted: smaller ones, or fewer", func(g Guest) []byte {
				return g.Decide(0, Nested(15_000), g.Text(Excluded), g.Text("deep"), g.Exclude)
			}),
		refused("parameters-for-minutes", load,
			"has a function whose calls and branches may pass 999999 values; accepted: at most 262144", func(g Guest) []byte {
				g.Func("", Sig(999, 0), Nested(1000))
				return g.Decide(0)
			}),
		refused("branches-for-seconds", load,
			"takes too long to compile at a function with 10000 blocks and 1 locals; accepted: smaller ones, or fewer", func(g Guest) []byte {
				return g.Decide(0, slices.Repeat([]byte{0x41, 0x00, 0x0d, 0x00}, 10_000)) // i32.const 0, br_if 0
			}),
		refused("calls-for-minutes", load, "has a function whose calls and branches may pass 6002000 values; accepted: at most 262144", func(g Guest) []byte {
			pass := g.Func("", Sig(1000, 1000), Unreachable)
			var all []byte
			for i := range uint32(1000) {
				all = append(all, Get(i)...)
			}
			g.Func("", Sig(1000, 1000), all, slices.Repeat(Call(pass), 3000))
			return g.Decide(0)
		}),
		// 4 GiB: each label passes 100 values.
		refused("labels-for-gigabytes", load, "has a function whose calls and branches may pass 6000300 values; accepted: at most 262144", func(g Guest) []byte {
			hundred := g.Func("", Sig(0, 100), Unreachable)
			g.Func("", Sig(0, 100), Call(hundred), Const(0), []byte{0x0e}, u32(60_000), make([]byte, 60_001))
			return g.Decide(0)
		}),
		refused("types-for-gigabytes", load, "has types with more than 262144 parameters and results together; accepted: at most that", func(g Guest) []byte {
			for i := range 200 {
				g.Func("", Sig(1000, 999-i), Unreachable)
			}
			return g.Decide(0)
		}),
		refused("imports-without-end", load, "has more than 100 imports; accepted: at most that", func(g Guest) []byte {
			for range 100 {
				g.Import(abi.Module, abi.Log, Sig(3, 0))
			}
			return g.Decide(0)
		}),
		refused("functions-for-minutes", load, "has 20002 functions; accepted: at most 20000", func(g Guest) []byte {
			for range 20_001 {
				g.Func("", Sig(0, 0))
			}
			return g.Decide(0)
		}),
		{Name: "size-of-32-mib", Reason: "large", Bytes: func() []byte {
			g := NewGuest()
			wasm := g.Decide(0, g.Text(Excluded), g.Text("large"), g.Exclude)
			const header = 13 // of the section: its kind, size and name
			return append(wasm, Custom(32<<20-len(wasm)-header)...)
		}},
		fails("excludes", limit, fmt.Sprintf("exclude %q: more than %d prefixes in one decision", Excluded, abi.MaxPrefixes), func(g Guest) []byte {
			return g.Decide(0, Times(0, 1_000_000, g.Text(Excluded), g.Text(""), g.Exclude))
		}),
		fails("log-of-100-mb", limit, fmt.Sprintf("log: more than %d bytes of lines in one evaluation", abi.MaxLog), func(g Guest) []byte {
			line := slices.Concat(Const(0), Const(4000)) // of zeros
			return g.Decide(0, Times(0, 25_000, Const(abi.LevelError), line, g.Log))
		}),
		refused("log-of-100-mb-in-initialize", limit, fmt.Sprintf("log: more than %d bytes of lines in one evaluation", abi.MaxLog), func(g Guest) []byte {
			g.Func(abi.Initialize, Sig(0, 0), Times(0, 25_000, Const(abi.LevelError), Const(0), Const(4000), g.Log))
			return g.Decide(0)
		}),
		fails("log-line-of-60-kb", limit, fmt.Sprintf("log: a line of 60000 bytes; at most %d", abi.MaxMessage), func(g Guest) []byte {
			return g.Decide(0, Const(0), Const(0), Const(60_000), g.Log)
		}),
		// Different keys, that the host would have to remember.
		fails("reads", limit, fmt.Sprintf(`fact "k0f^": more than %d reads in one evaluation`, abi.MaxReads), readMany),
	}
}

// readMany reads the facts k000, k001 and so on, with three bytes that count from
// '0' to 'z'.
func readMany(g Guest) []byte {
	key := g.Place("k000")
	next := func(digit int32, carry ...[]byte) []byte {
		at := Const(key + digit)
		return slices.Concat(at, at, Load8, Const(1), Add, Store8, at, Load8, Const(-'z'-1), Add, Equals0,
			If(at, Const('0'), Store8, slices.Concat(carry...)))
	}
	count := next(3, next(2, next(1)))
	return g.Decide(0, Forever(Const(key), Const(4), Const(0), Const(0), g.Fact, Drop, count))
}

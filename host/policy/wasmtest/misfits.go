package wasmtest

import (
	"slices"
	"strings"

	"github.com/snatd/snatd/sdk/abi"
)

// misfits do not fit the ABI.
func misfits() []Adversary {
	imports := func(module, name string, params, results int) source {
		return func(g Guest) []byte {
			g.Import(module, name, Sig(params, results))
			return g.Decide(0)
		}
	}
	const ours, wasi, wasip1 = " as ", "; accepted from wasi_snapshot_preview1: ", "imports wasi_snapshot_preview1."
	return []Adversary{
		refused("import-of-another-module", load, "imports env.system; accepted: functions of the modules snat_v1 and wasi_snapshot_preview1",
			imports("env", "system", 1, 1)),
		refused("import-of-another-version", load, "imports snat_v2.fact; accepted: functions of the modules snat_v1 and wasi_snapshot_preview1",
			imports("snat_v2", abi.Fact, 4, 1)),
		refused("import-without-names", load, "import[6] has an empty module name",
			imports("", "", 0, 0)),
		refused("import-of-another-function", load, "imports snat_v1.route; accepted from snat_v1: fact, fact_keys, exclude, translate, log, fail",
			imports(abi.Module, "route", 2, 0)),
		refused("import-with-another-signature", load, "imports snat_v1.exclude as (i32, i32, i32, i32) -> i32; accepted: (i32, i32, i32, i32)",
			imports(abi.Module, abi.Exclude, 4, 1)),
		refused("import-of-files", load, wasip1+"path_open"+wasi+strings.Join(abi.WASI, ", "), imports(abi.WASIModule, "path_open", 9, 1)),
		refused("import-of-sockets", load, wasip1+"sock_accept"+wasi+strings.Join(abi.WASI, ", "), imports(abi.WASIModule, "sock_accept", 3, 1)),
		refused("import-of-reading", load, wasip1+"fd_read"+wasi+strings.Join(abi.WASI, ", "), imports(abi.WASIModule, "fd_read", 4, 1)),
		refused("import-of-memory", load, "imports the memory env.memory; accepted: a memory of its own, exported as memory", func(g Guest) []byte {
			g.ImportMemory("env", "memory")
			return g.Decide(0)
		}),
		refused("import-of-a-table", load, "imports the table env.table; accepted: functions", func(g Guest) []byte {
			g.ImportTable("env", "table")
			return g.Decide(0)
		}),
		// wazero decodes types of later versions; its compiler takes the second byte of
		// this one for an instruction that its validator has not seen.
		refused("type-of-another-version", load, "has the unknown type 0x63 at byte 200; accepted: those of WebAssembly 2.0", func(g Guest) []byte {
			return g.Decide(0, Const(0), Const(0), Const(0), []byte{0x1c, 0x01, 0x63, 0x02}, Drop)
		}),
		refused("function-of-no-type", load, "invalid WebAssembly, over which wazero panics: runtime error: index out of range [62] with length 1", func(Guest) []byte {
			return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
				[]byte{1, 4, 1, 0x60, 0, 0},
				[]byte{3, 3, 2, 0, 62},
				[]byte{10, 9, 2, 4, 0, 0x10, 1, 0x0b, 2, 0, 0x0b})
		}),
		refused("sections-out-of-order", load, "has its sections in another order than that of WebAssembly, at byte 23", func(Guest) []byte {
			return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
				[]byte{6, 6, 1, 0x7f, 1, 0x41, 0, 0x0b},
				[]byte{7, 5, 1, 1, 'g', 3, 0},
				[]byte{4, 4, 1, 0x70, 0, 0})
		}),
		refused("export-of-no-memory", load, "exports no memory; accepted: its memory, exported as memory", func(g Guest) []byte {
			g.Memory = ""
			return g.Decide(0)
		}),
		refused("export-of-memory-by-another-name", load, "exports no memory; accepted: its memory, exported as memory", func(g Guest) []byte {
			g.Memory = "mem"
			return g.Decide(0)
		}),
		refused("export-of-decide-as-memory", load, "exports no function decide; accepted: decide() -> i32", func(g Guest) []byte {
			g.Memory = abi.Decide
			return g.Bytes()
		}),
		refused("export-of-no-decide", load, "exports no function decide; accepted: decide() -> i32", func(g Guest) []byte { return g.Bytes() }),
		refused("export-of-a-command", load,
			"exports _start but not decide: it is a command; accepted: a reactor, which Go builds with -buildmode=c-shared",
			func(g Guest) []byte {
				g.Func("_start", Sig(0, 0))
				return g.Bytes()
			}),
		refused("export-with-a-parameter", load, "exports decide"+ours+"(i32) -> i32; accepted: () -> i32", func(g Guest) []byte {
			g.Func(abi.Decide, Sig(1, 1), Const(0))
			return g.Bytes()
		}),
		refused("export-with-a-long-result", load, "exports decide"+ours+"() -> i64; accepted: () -> i32", func(g Guest) []byte {
			g.Func(abi.Decide, Signature{Results: []byte{I64}}, Const64(0))
			return g.Bytes()
		}),
		refused("export-without-a-result", load, "exports validate"+ours+"(); accepted: () -> i32", func(g Guest) []byte {
			g.Func(abi.Validate, Sig(0, 0))
			return g.Decide(0)
		}),
		refused("export-of-initialize-with-a-result", load, "exports _initialize"+ours+"() -> i32; accepted: ()", func(g Guest) []byte {
			g.Func(abi.Initialize, Sig(0, 1), Const(0))
			return g.Decide(0)
		}),
	}
}

// dashes makes a name of the ABI one for files.
func dashes(name string) string { return strings.ReplaceAll(name, "_", "-") }

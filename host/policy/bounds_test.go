package policy

import (
	"bytes"
	"context"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/plugins"
	"github.com/snatd/snatd/sdk/abi"
)

// TestBounds: what a module has beside its memory is limited too.
func TestBounds(t *testing.T) {
	tests := []struct {
		name string
		wasm func(g guestModule)
		want string
	}{
		{"large table", func(g guestModule) { g.Table(1<<27, 0) },
			"has tables of 134217728 entries; accepted: at most 65536"},
		{"large tables together", func(g guestModule) { g.Table(1<<15, 0); g.Table(1<<15+1, 1<<16) },
			"has tables of 65537 entries; accepted: at most 65536"},
		{"many tables", func(g guestModule) {
			for range 17 {
				g.Table(1, 1)
			}
		}, "has 17 tables; accepted: at most 16"},
		{"imported table", func(g guestModule) { g.ImportTable("env", "table") },
			"imports the table env.table; accepted: functions"},
		{"many globals", func(g guestModule) { g.Globals(1<<16 + 1) },
			"has 65537 globals; accepted: at most 65536"},
	}
	e := testEngine(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest()
			tt.wasm(g)
			_, err := e.Load(context.Background(), "test", g.decide(0), nil, Grants{})
			wantError(t, err, ClassLoad, tt.want)
		})
	}
}

// TestLies: a module of a few bytes that claims billions of items must not make
// the process reserve memory for them.
func TestLies(t *testing.T) {
	many := []byte{0xff, 0xff, 0xff, 0xff, 0x0f} // 1<<32 - 1
	with := func(before ...byte) []byte { return append(before, many...) }
	const claims = ": 4294967295 items or bytes are claimed where 0 bytes are left"
	tests := []struct {
		name    string
		section byte
		content []byte
		want    string
	}{
		{"types", sectionType, many, "malformed WebAssembly at byte 15" + claims},
		{"parameters", sectionType, with(1, 0x60), "malformed WebAssembly at byte 17" + claims},
		{"imports", sectionImport, many, "malformed WebAssembly at byte 15" + claims},
		{"name of an import", sectionImport, with(1), "malformed WebAssembly at byte 16" + claims},
		{"functions", sectionFunction, many, "malformed WebAssembly at byte 15" + claims},
		{"tables", sectionTable, many, "malformed WebAssembly at byte 15" + claims},
		{"globals", sectionGlobal, many, "malformed WebAssembly at byte 15" + claims},
		{"exports", sectionExport, many, "malformed WebAssembly at byte 15" + claims},
		{"element segments", sectionElement, many, "malformed WebAssembly at byte 15" + claims},
		{"elements", sectionElement, with(1, 1, 0), "malformed WebAssembly at byte 18" + claims},
		{"expressions as elements", sectionElement, with(1, 4, 0x41, 0, 0x0b), "malformed WebAssembly at byte 20" + claims},
		{"functions' code", sectionCode, many, "malformed WebAssembly at byte 15" + claims},
		{"locals", sectionCode, append(with(1, 8, 1), 0x7f, 0x0b), "has a function with 4294967295 locals; accepted: at most 1000"},
		{"data segments", sectionData, many, "malformed WebAssembly at byte 15" + claims},
		{"data", sectionData, with(1, 1), "malformed WebAssembly at byte 17" + claims},
		{"name of a custom section", sectionCustom, many, "malformed WebAssembly at byte 15" + claims},
		{"names of functions", sectionCustom, with(4, 'n', 'a', 'm', 'e', 1, 5), "malformed WebAssembly at byte 22" + claims},
		{"unknown type", sectionType, []byte{1, 0x4e}, "malformed WebAssembly at byte 11"},
		{"end in a number", sectionStart, []byte{0x80}, "malformed WebAssembly at byte 11"},
		{"more than its items", sectionFunction, []byte{1, 0, 0}, "malformed WebAssembly at byte 12"},
	}
	e := testEngine(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e.Load(context.Background(), "test", wasmtest.Raw(tt.section, tt.content...), nil, Grants{})
			wantError(t, err, ClassLoad, tt.want)
		})
	}
}

// TestTableGrowth: a table without a maximum gets one, and growth past it is
// refused as the instruction refuses it, by -1.
func TestTableGrowth(t *testing.T) {
	// is ends decide with an error unless the i32 on the stack is want.
	is := func(want int32) []byte {
		return bytes.Join([][]byte{wasmtest.Const(-want), wasmtest.Add, wasmtest.If(wasmtest.Unreachable)}, nil)
	}
	grow := func(table uint32, by int32) []byte {
		return append(wasmtest.Const(by), wasmtest.GrowTable(table, 0)...)
	}
	tests := []struct {
		name   string
		tables func(g guestModule)
		code   [][]byte
	}{
		{"without a maximum", func(g guestModule) { g.Table(10, 0) },
			[][]byte{grow(0, 1<<16-10), is(10), grow(0, 1), is(-1)}},
		{"at once", func(g guestModule) { g.Table(0, 0) }, [][]byte{grow(0, 1<<27), is(-1)}},
		{"its own maximum", func(g guestModule) { g.Table(1, 3) }, [][]byte{grow(0, 2), is(1), grow(0, 1), is(-1)}},
		{"a large maximum", func(g guestModule) { g.Table(1, 1<<27) }, [][]byte{grow(0, 1<<16), is(-1)}},
		{"shared by two", func(g guestModule) { g.Table(1<<15, 0); g.Table(0, 0) },
			[][]byte{grow(0, 1<<14), is(1 << 15), grow(1, 1<<14), is(0), grow(0, 1), is(-1), grow(1, 1), is(-1)}},
	}
	for _, mode := range modes() {
		e := testEngineIn(t, mode, Options{})
		for _, tt := range tests {
			t.Run(mode+"/"+tt.name, func(t *testing.T) {
				g := newGuest()
				tt.tables(g)
				if _, err := decide(load(t, e, g.decide(0, tt.code...), Grants{}), noFacts); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestBoundChangesLittle: tables get maxima and mutable globals are exported;
// nothing else is touched.
func TestBoundChangesLittle(t *testing.T) {
	g := newGuest()
	plain := g.decide(0)
	if got, err := bound(plain); err != nil || !bytes.Equal(got.wasm, plain) || !got.restorable || got.globals != nil {
		t.Errorf("a module without tables and globals was changed: %+v, %v", got, err)
	}
	// Go's linker writes no maximum, and has mutable globals.
	wasm := plugins.Default()
	if wasm == nil {
		t.Fatal(`plugins/built/default.wasm is missing: run "make build"`)
	}
	got, err := bound(wasm)
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, name := range got.globals {
		names += len(name) + 3
	}
	if !got.restorable || len(got.globals) == 0 || len(got.wasm) > len(wasm)+names+8 {
		t.Errorf("%d bytes became %d, restorable %t by the globals %q", len(wasm), len(got.wasm), got.restorable, got.globals)
	}
	_, err = bound(got.wasm)
	want := `exports "snatd:global:0"; accepted: names that do not begin with "snatd:global:", which is the host's`
	if err == nil || err.Error() != want {
		t.Errorf("a module with the host's exports: %v, want %s", err, want)
	}
}

// FuzzBound: whatever the bytes are, no more memory is claimed than they have.
func FuzzBound(f *testing.F) {
	g := newGuest()
	g.Table(1, 0)
	g.Globals(2)
	g.Text("data")
	g.Func(abi.Initialize, wasmtest.Sig(0, 0))
	f.Add(g.decide(0))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if !bytes.HasPrefix(wasm, coreHeader) {
			return
		}
		got, err := bound(wasm)
		if err != nil {
			return
		}
		// A table's maximum takes 5 bytes at most, an export 22, and each
		// section's size may be one byte longer.
		if len(got.wasm) > len(wasm)+5*abi.BoundTables+22*len(got.globals)+16 {
			t.Errorf("%d bytes became %d with %d globals", len(wasm), len(got.wasm), len(got.globals))
		}
	})
}

package wasmtest

import "github.com/snatd/snatd/sdk/abi"

// Guest is a module under construction that imports every function of the ABI.
type Guest struct {
	*Module
	Fact, FactKeys, Exclude, Translate, Log, Fail []byte // calls
}

// NewGuest returns a guest without functions.
func NewGuest() Guest {
	m := New()
	call := func(i int) []byte {
		f := abi.Imports[i]
		return Call(m.Import(abi.Module, f.Name, Sig(f.Params, f.Results)))
	}
	return Guest{m, call(0), call(1), call(2), call(3), call(4), call(5)}
}

// Decide adds the export of this name, code and then the result, and returns the
// module.
func (g Guest) Decide(result int32, code ...[]byte) []byte {
	g.Func(abi.Decide, Sig(0, 1), append(code, Const(result))...)
	return g.Bytes()
}

// WASI imports a function of WASI, which returns an error number, and returns its
// call. Call it before functions are added.
func (g Guest) WASI(name string, params int) []byte {
	results := 1
	if name == "proc_exit" {
		results = 0
	}
	return Call(g.Import(abi.WASIModule, name, Sig(params, results)))
}

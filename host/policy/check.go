package policy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/snatd/snatd/sdk/abi"
)

// The first bytes of a core module, and of any WebAssembly.
var (
	wasmMagic  = []byte("\x00asm")
	coreHeader = []byte("\x00asm\x01\x00\x00\x00")
)

// checkHeader tells what is not a core module at all.
func checkHeader(wasm []byte) error {
	switch {
	case bytes.HasPrefix(wasm, coreHeader):
		return nil
	case bytes.HasPrefix(wasm, wasmMagic):
		return fmt.Errorf("a WebAssembly component or an unknown version of WebAssembly; accepted: a core module, version 1")
	default:
		return fmt.Errorf("not WebAssembly, it begins with %q; accepted: a core module, which begins with %q",
			wasm[:min(len(wasm), len(wasmMagic))], wasmMagic)
	}
}

// check compares a module's imports, exports and memory with the ABI.
func check(compiled wazero.CompiledModule, pages uint32) error {
	for _, memory := range compiled.ImportedMemories() {
		module, name, _ := memory.Import()
		return fmt.Errorf("imports the memory %s.%s; accepted: a memory of its own, exported as %s", module, name, abi.Memory)
	}
	for _, f := range compiled.ImportedFunctions() {
		if err := checkImport(f); err != nil {
			return err
		}
	}
	if err := checkExports(compiled.ExportedFunctions()); err != nil {
		return err
	}
	memory, ok := compiled.ExportedMemories()[abi.Memory]
	if !ok {
		return fmt.Errorf("exports no memory; accepted: its memory, exported as %s", abi.Memory)
	}
	if memory.Min() > pages {
		return fmt.Errorf("needs %d pages of memory; accepted: at most %d, of 64 KiB each", memory.Min(), pages)
	}
	return nil
}

func checkImport(f api.FunctionDefinition) error {
	module, name, _ := f.Import()
	switch module {
	case abi.Module:
		for _, want := range abi.Imports {
			if want.Name == name {
				return checkSignature("imports "+module+"."+name, f, want)
			}
		}
		return fmt.Errorf("imports %s.%s; accepted from %s: %s", module, name, module, strings.Join(importNames(), ", "))
	case abi.WASIModule:
		if slices.Contains(abi.WASI, name) {
			return nil // wazero checks the signature when it instantiates
		}
		return fmt.Errorf("imports %s.%s; accepted from %s: %s", module, name, module, strings.Join(abi.WASI, ", "))
	default:
		return fmt.Errorf("imports %s.%s; accepted: functions of the modules %s and %s", module, name, abi.Module, abi.WASIModule)
	}
}

func importNames() []string {
	names := make([]string, len(abi.Imports))
	for i, f := range abi.Imports {
		names[i] = f.Name
	}
	return names
}

func checkExports(exports map[string]api.FunctionDefinition) error {
	for _, want := range abi.Exports {
		f, ok := exports[want.Name]
		if !ok {
			continue
		}
		if err := checkSignature("exports "+want.Name, f, want); err != nil {
			return err
		}
	}
	if _, ok := exports[abi.Decide]; ok {
		return nil
	}
	if _, ok := exports["_start"]; ok {
		return fmt.Errorf("exports _start but not %s: it is a command; accepted: a reactor, which Go builds with -buildmode=c-shared", abi.Decide)
	}
	return fmt.Errorf("exports no function %s; accepted: %s() -> i32", abi.Decide, abi.Decide)
}

func checkSignature(what string, f api.FunctionDefinition, want abi.Function) error {
	params, results := i32s(want.Params), i32s(want.Results)
	if slices.Equal(f.ParamTypes(), params) && slices.Equal(f.ResultTypes(), results) {
		return nil
	}
	return fmt.Errorf("%s as %s; accepted: %s", what, signature(f.ParamTypes(), f.ResultTypes()), signature(params, results))
}

func i32s(n int) []api.ValueType {
	return slices.Repeat([]api.ValueType{api.ValueTypeI32}, n)
}

// signature renders types as "(i32, i32) -> i32".
func signature(params, results []api.ValueType) string {
	text := "(" + typeNames(params) + ")"
	if len(results) > 0 {
		text += " -> " + typeNames(results)
	}
	return text
}

func typeNames(types []api.ValueType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = api.ValueTypeName(t)
	}
	return strings.Join(names, ", ")
}

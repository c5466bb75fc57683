package policy

import (
	"context"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/snatd/snatd/sdk/abi"
)

// hostFunction serves one import. Parameters are on the stack, and the result
// goes to its beginning: wazero's plain form, because the one that takes any Go
// function costs twenty times as much per call. A panic with an *Error is how a
// function of the host ends the guest.
type hostFunction func(g guest, stack []uint64)

var hostFunctions = map[string]hostFunction{
	abi.Fact: func(g guest, stack []uint64) {
		stack[0] = g.read(g.call.session.fact, stack)
	},
	abi.FactKeys: func(g guest, stack []uint64) {
		stack[0] = g.read(g.call.session.factKeys, stack)
	},
	abi.Exclude: func(g guest, stack []uint64) {
		g.must(g.call.session.exclude(g.text("cidr", stack[0:]), g.text("reason", stack[2:])))
	},
	abi.Translate: func(g guest, stack []uint64) {
		g.must(g.call.session.translate(g.text("cidr", stack[0:]), g.text("source", stack[2:]), g.text("reason", stack[4:])))
	},
	abi.Log: func(g guest, stack []uint64) {
		g.must(g.call.session.write(api.DecodeI32(stack[0]), g.text("message", stack[1:])))
	},
	abi.Fail: func(g guest, stack []uint64) {
		panic(g.call.session.fail(g.text("message", stack[0:])))
	},
}

// exportFunctions makes the host functions importable.
func exportFunctions(ctx context.Context, runtime wazero.Runtime) error {
	builder := runtime.NewHostModuleBuilder(abi.Module)
	for _, f := range abi.Imports {
		serve := hostFunctions[f.Name]
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
			g := guest{callOf(ctx), m.Memory(), f.Name}
			if !slices.Contains(f.In, g.call.phase) {
				g.reject("called in %s; accepted in %s", g.call.phase, strings.Join(f.In, ", "))
			}
			serve(g, stack)
		}), i32s(f.Params), i32s(f.Results)).Export(f.Name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// guest is the caller of a host function.
type guest struct {
	call     *call
	memory   api.Memory
	function string
}

func (g guest) must(err error) {
	if err != nil {
		panic(err)
	}
}

func (g guest) reject(format string, args ...any) {
	panic(g.call.session.errorf(ClassArgument, g.function+": "+format, args...))
}

// text reads the string whose pointer and length are next on the stack.
func (g guest) text(what string, stack []uint64) string {
	pointer, length := api.DecodeU32(stack[0]), api.DecodeU32(stack[1])
	return string(g.bytes(what, pointer, length)) // a copy: the memory is the guest's
}

// bytes returns a range of the guest's memory. Nothing is at the pointer of an
// empty one; languages pass anything there.
func (g guest) bytes(what string, pointer, length uint32) []byte {
	if length == 0 {
		return nil
	}
	b, ok := g.memory.Read(pointer, length)
	if !ok {
		g.reject("%s of %d bytes at %d is outside the memory of %d bytes", what, length, pointer, g.memory.Size())
	}
	return b
}

// read serves the parameters (key, length, buffer, capacity) -> length.
func (g guest) read(ask func(key string) (Read, error), stack []uint64) uint64 {
	key := g.text("key", stack[0:])
	buffer := g.bytes("buffer", api.DecodeU32(stack[2]), api.DecodeU32(stack[3]))
	r, err := ask(key)
	g.must(err)
	if !r.Found {
		return api.EncodeI32(abi.Absent)
	}
	if len(r.Value) <= len(buffer) {
		copy(buffer, r.Value)
	}
	return api.EncodeI32(int32(len(r.Value)))
}

package policy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// FuzzLoad: whatever a file holds, loading it and deciding by it ends in an *Error
// if it ends badly, and takes neither the process nor its memory.
func FuzzLoad(f *testing.F) {
	whole := everySection()
	f.Add(whole)
	for n := len(coreHeader); n < len(whole); n += 16 {
		f.Add(whole[:n])
	}
	for _, a := range wasmtest.Adversaries() {
		if wasm := a.Bytes(); !a.Gzip && len(wasm) < 512 {
			f.Add(wasm)
		}
	}
	e := testEngine(f, Options{Deadline: 50 * time.Millisecond, MemoryPages: 16, CallBudget: 10_000})
	f.Fuzz(func(t *testing.T, wasm []byte) {
		const largest, most = 4 << 10, 256 << 20 // bytes
		if len(wasm) > largest {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := e.Load(context.Background(), "test", wasm, nil, Grants{})
		if err == nil {
			_, err = decide(m, noFacts)
			if err := m.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if own := (*Error)(nil); err != nil && !errors.As(err, &own) {
			t.Errorf("got %v (%T), want an *Error", err, err)
		}
		if len(e.programs) != 0 {
			t.Errorf("%d programs are left", len(e.programs))
		}
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > most {
			t.Errorf("%d bytes of a module took %d bytes of memory", len(wasm), taken)
		}
	})
}

// FuzzHostFunctions calls a host function with any arguments, on any memory: the
// evaluation is as good as one can be, or ends in an error that says what was wrong
// with the call.
func FuzzHostFunctions(f *testing.F) {
	e := testEngine(f, Options{})
	var callers []*Module
	for i := range abi.Imports {
		callers = append(callers, load(f, e, caller(i), translates))
	}
	ends := int32(1 << 16)
	text := []byte("10.0.0.0/8" + "pod.name" + "\xff\x00")
	for function := range callers {
		f.Add(byte(function), byte(0), int32(100), int32(10), int32(110), int32(8), int32(0), int32(0), text)
		f.Add(byte(function), byte(0), ends, int32(1), ends-1, int32(2), int32(-1), int32(-1), text)
		f.Add(byte(function), byte(0xff), int32(math.MaxInt32), int32(math.MinInt32), int32(-4), int32(8), int32(1), int32(-1), text)
	}
	f.Fuzz(func(t *testing.T, function, near byte, a, b, c, d, x, y int32, memory []byte) {
		if len(memory) > 1<<16-argumentsEnd {
			return
		}
		// What is anywhere in 4 GiB is seldom in the memory.
		var sent []byte
		for i, v := range []int32{a, b, c, d, x, y} {
			if near>>i&1 == 1 {
				v &= 0x7ff
			}
			sent = binary.LittleEndian.AppendUint32(sent, uint32(v))
		}
		sent = append(append(sent, make([]byte, argumentsEnd-len(sent))...), memory...)
		facts := sdk.Map{"memory": string(sent), "pod.name": "web-1", "pod.label.app": "web"}
		evaluation, err := decide(callers[int(function)%len(callers)], facts)
		if err == nil {
			if len(evaluation.Reads) > 2 || len(evaluation.Decision.Entries) > 1 {
				t.Errorf("one call read %d facts and gave %d entries", len(evaluation.Reads), len(evaluation.Decision.Entries))
			}
			if err := evaluation.Decision.Check(); err != nil {
				t.Error(err)
			}
			return
		}
		var own *Error
		if !errors.As(err, &own) || !slices.Contains([]Class{ClassArgument, ClassLimit, ClassGrant, ClassOutput, ClassFailed}, own.Class) {
			t.Errorf("got %v, want an error about the call", err)
		}
		if !bytes.Equal([]byte(oneLine(own.Message)), []byte(own.Message)) {
			t.Errorf("the message %q is more than a line", own.Message)
		}
	})
}

// argumentsEnd is where the arguments end in a caller's memory: room for six.
const argumentsEnd = 32

// caller fills its memory from the fact "memory" and calls the host function of an
// index with the numbers at its beginning.
func caller(index int) []byte {
	g := newGuest()
	const key = 60_000 // overwritten only by the largest memories, when it has been read
	code := [][]byte{}
	for i, letter := range []byte("memory") {
		code = append(code, wasmtest.Const(key+int32(i)), wasmtest.Const(int32(letter)), wasmtest.Store8)
	}
	code = append(code, wasmtest.Const(key), wasmtest.Const(6), wasmtest.Const(0), wasmtest.Const(1<<16), g.fact, wasmtest.Drop)
	for i := range abi.Imports[index].Params {
		code = append(code, wasmtest.Const(int32(4*i)), wasmtest.Load)
	}
	code = append(code, wasmtest.Call(uint32(index)))
	if abi.Imports[index].Results > 0 {
		code = append(code, wasmtest.Drop)
	}
	return g.decide(0, code...)
}

package sdk

import "github.com/snatd/snatd/sdk/abi"

// The exports of the module, and the functions of the ABI as a host. Names and
// signatures are those of package abi.

//go:wasmexport decide
func exportDecide() int32 { return registered.decide(guest{}) }

//go:wasmexport validate
func exportValidate() int32 { return registered.validate(guest{}) }

//go:wasmimport snat_v1 fact
//go:noescape
func hostFact(key string, buf *byte, capacity uint32) int32

//go:wasmimport snat_v1 fact_keys
//go:noescape
func hostFactKeys(prefix string, buf *byte, capacity uint32) int32

//go:wasmimport snat_v1 exclude
//go:noescape
func hostExclude(prefix, why string)

//go:wasmimport snat_v1 translate
//go:noescape
func hostTranslate(prefix, source, why string)

//go:wasmimport snat_v1 log
//go:noescape
func hostLog(level int32, text string)

//go:wasmimport snat_v1 fail
//go:noescape
func hostFail(message string)

// guest is the host as the module sees it.
type guest struct{}

func (guest) Fact(key string) (string, bool) {
	return read(hostFact, key)
}

func (guest) FactKeys(prefix string) []string {
	text, _ := read(hostFactKeys, prefix)
	keys, err := splitList(text)
	if err != nil {
		panic("fact_keys " + prefix + ": " + err.Error())
	}
	return keys
}

func (guest) exclude(prefix, why string)           { hostExclude(prefix, why) }
func (guest) translate(prefix, source, why string) { hostTranslate(prefix, source, why) }
func (guest) log(level Level, text string)         { hostLog(int32(level), text) }
func (guest) fail(message string)                  { hostFail(message) }

// buffer takes the values of most facts without an allocation for the call. It
// never grows, so that one evaluation does not change the calls of the next.
var buffer [4 << 10]byte

// read calls the host until the value fits into what it is given.
func read(call func(key string, buf *byte, capacity uint32) int32, key string) (string, bool) {
	for buf := buffer[:]; ; {
		length := call(key, &buf[0], uint32(len(buf)))
		if length == abi.Absent {
			return "", false
		}
		if int(length) <= len(buf) {
			return string(buf[:length]), true
		}
		buf = make([]byte, length)
	}
}

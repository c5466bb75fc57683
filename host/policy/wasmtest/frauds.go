package wasmtest

import (
	"bytes"
	"fmt"
)

// frauds are no modules at all.
func frauds() []Adversary {
	const noModule = "not WebAssembly, it begins with %q; accepted: a core module, which begins with \"\\x00asm\""
	file := func(name, message string, content []byte) Adversary {
		return Adversary{Name: name, Bytes: func() []byte { return content }, Refused: true, Class: load, Message: message}
	}
	// What is wrong with a compressed file is known before it is a module's.
	zipped := func(name, class, message string, content func() []byte) Adversary {
		return Adversary{Name: name, Bytes: content, Gzip: true, Refused: true, Class: class, Message: message}
	}
	whole := NewGuest().Decide(0)
	return []Adversary{
		file("file-that-is-empty", fmt.Sprintf(noModule, ""), nil),
		file("file-of-text", fmt.Sprintf(noModule, "(mod"), []byte("(module (func (export \"decide\") (result i32) (i32.const 0)))")),
		file("file-of-a-program", fmt.Sprintf(noModule, "\x7fELF"), []byte("\x7fELF\x02\x01\x01")),
		file("file-of-gzip", fmt.Sprintf(noModule, "\x1f\x8b\b\x00"), Gzip(whole)),
		file("file-of-a-component", "a WebAssembly component or an unknown version of WebAssembly; accepted: a core module, version 1",
			[]byte("\x00asm\x0d\x00\x01\x00\x01\x08\x00asm\x01\x00\x00\x00")),
		file("file-of-version-2", "a WebAssembly component or an unknown version of WebAssembly; accepted: a core module, version 1",
			[]byte("\x00asm\x02\x00\x00\x00")),
		file("file-of-a-header", "exports no function decide; accepted: decide() -> i32", whole[:8]),
		file("file-that-ends-early", fmt.Sprintf("malformed WebAssembly at byte %d: 8 items or bytes are claimed where 3 bytes are left", len(whole)-8), whole[:len(whole)-5]),
		file("file-with-a-tail", fmt.Sprintf("malformed WebAssembly at byte %d", len(whole)+1), append(bytes.Clone(whole), 0xff)),
		// A reader reads on where one part ends.
		zipped("zip-of-1-gib-of-zeros", "", "decompress: larger than 32 MiB; accepted: at most that", func() []byte { return bytes.Repeat(Gzip(make([]byte, 1<<20)), 1<<10) }),
		zipped("zip-of-a-zip", load, fmt.Sprintf(noModule, "\x1f\x8b\b\x00"), func() []byte { return Gzip(Gzip(whole)) }),
		zipped("zip-of-nothing", load, fmt.Sprintf(noModule, ""), func() []byte { return Gzip(nil) }),
		zipped("zip-that-ends-early", "", "decompress: unexpected EOF", func() []byte { return Gzip(whole)[:40] }),
		zipped("zip-that-is-none", "", "decompress: gzip: invalid header", func() []byte { return whole }),
	}
}

package policy

import "fmt"

// scanner walks the binary format of WebAssembly. The first problem ends the
// walk: everything after it reads as zero.
type scanner struct {
	data []byte
	at   int
	end  int // of the section
	err  error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

func (s *scanner) malformed() { s.fail("malformed WebAssembly at byte %d", s.at) }

// skip passes n bytes.
func (s *scanner) skip(n int) {
	if s.err != nil || n > s.end-s.at {
		s.malformed()
		return
	}
	s.at += n
}

func (s *scanner) byte() byte {
	if s.skip(1); s.err != nil {
		return 0
	}
	return s.data[s.at-1]
}

// number reads an unsigned LEB128 of at most 32 bits.
func (s *scanner) number() (n uint32) {
	for shift := 0; shift < 35; shift += 7 {
		b := s.byte()
		if shift == 28 && b > 0x0f {
			break
		}
		n |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	s.malformed()
	return 0
}

// signed passes a LEB128 of any size.
func (s *scanner) signed() {
	for range 10 {
		if s.byte() < 0x80 {
			return
		}
	}
	s.malformed()
}

// count reads how many items follow. Each takes a byte at least: wazero reserves
// memory for as many as the module claims, and would stop the process.
func (s *scanner) count() int {
	n := s.number()
	if int64(n) > int64(s.end-s.at) {
		s.fail("malformed WebAssembly at byte %d: %d items or bytes are claimed where %d bytes are left", s.at, n, s.end-s.at)
		return 0
	}
	return int(n)
}

// each reads a vector, and returns how many items it has.
func (s *scanner) each(item func()) int {
	n := s.count()
	for range n {
		if item(); s.err != nil {
			return 0
		}
	}
	return n
}

// run passes so many bytes as it says itself.
func (s *scanner) run() { s.skip(s.count()) }

// text reads a name.
func (s *scanner) text() string {
	n := s.count()
	if s.skip(n); s.err != nil {
		return ""
	}
	return string(s.data[s.at-n : s.at])
}

// valueType passes a type. wazero also decodes those of later versions of
// WebAssembly, whose features are off, and its compiler does not read them as its
// validation does: a module could hide code behind them.
func (s *scanner) valueType() {
	if kind := s.byte(); s.err == nil && !isValueType(kind) {
		s.at--
		s.fail("has the unknown type 0x%02x at byte %d; accepted: those of WebAssembly 2.0", kind, s.at)
	}
}

func isValueType(kind byte) bool { return 0x7b <= kind && kind <= 0x7f || isReference(kind) }

// isReference is true of funcref and externref.
func isReference(kind byte) bool { return kind == 0x70 || kind == 0x6f }

// referenceType passes the type of a null.
func (s *scanner) referenceType() {
	if kind := s.byte(); s.err == nil && !isReference(kind) {
		s.at--
		s.malformed()
	}
}

// limits reads a range of sizes; bounded is false if it has no maximum.
func (s *scanner) limits() (least, most uint32, bounded bool) {
	bounded = s.byte()&1 != 0
	least = s.number()
	if bounded {
		most = s.number()
	}
	return least, most, bounded
}

// constant passes a constant expression.
func (s *scanner) constant() {
	for s.err == nil {
		switch s.byte() {
		case 0x0b: // end
			return
		case 0x41, 0x42, 0x23, 0xd2: // i32.const, i64.const, global.get, ref.func
			s.signed()
		case 0xd0: // ref.null
			s.referenceType()
		case 0x43: // f32.const
			s.skip(4)
		case 0x44: // f64.const
			s.skip(8)
		case 0xfd: // v128.const
			s.skip(17)
		default:
			s.at--
			s.malformed()
		}
	}
}

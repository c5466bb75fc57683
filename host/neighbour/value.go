package neighbour

import (
	"bytes"
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// value is some bytes of what is known of a packet, in whole cells as in registers.
type value []cell

type cell struct {
	bytes [cellSize]byte // of those that are known
	sure  certainty
}

const cellSize = 4

// certainty is what is known of a value.
type certainty uint8

const (
	known   certainty = iota // it is the bytes
	away                     // an address that is none of the pods'
	free                     // pods' packets have one or another
	unclear                  // nothing is known
)

// valueOf is known. What is missing in its last cell is 0.
func valueOf(b []byte) value {
	v := uniform(known, len(b))
	for i := range v {
		copy(v[i].bytes[:], b[i*cellSize:])
	}
	return v
}

// uniform is of that length in bytes, or as long as all registers.
func uniform(sure certainty, length int) value {
	return slices.Repeat(value{{sure: sure}}, min((length+cellSize-1)/cellSize, len(registers{})))
}

func nativeValue(v uint32) value { return valueOf(binary.NativeEndian.AppendUint32(nil, v)) }

// interfaceName is it as the kernel compares it.
func interfaceName(name string) []byte {
	return append([]byte(name), make([]byte, unix.IFNAMSIZ-min(len(name), unix.IFNAMSIZ))...)
}

// sure is what is known of all of it.
func (v value) sure() (least certainty) {
	for _, c := range v {
		least = max(least, c.sure)
	}
	return least
}

// bytes are those of a value that is known.
func (v value) bytes(length int) []byte {
	var b []byte
	for _, c := range v {
		b = append(b, c.bytes[:]...)
	}
	return b[:min(length, len(b))]
}

// within is for how many of the packets that have the value each of its cells is from
// first to last.
func (p *packet) within(v value, first, last []byte) extent {
	share := all
	for i, c := range v {
		from, to := i*cellSize, min((i+1)*cellSize, len(first), len(last))
		if from > to {
			return none
		}
		f, l := first[from:to], last[from:to]
		switch b := c.bytes[:to-from]; {
		case c.sure == unclear:
			return none
		case c.sure == known && (bytes.Compare(b, f) < 0 || bytes.Compare(b, l) > 0):
			return none
		case c.sure == away && bytes.Equal(f, l) && p.pods[string(f)]:
			return none
		case c.sure != known:
			share = some
		}
	}
	return share
}

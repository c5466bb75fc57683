package neighbour

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
)

// attributes are those of a message behind its header, or of a nested value.
type attributes []byte

func (a attributes) get(kind uint16) []byte { return attribute.Get(a, kind) }

func (a attributes) in(kind uint16) attributes { return a.get(kind) }

// text is a string that ends with the first zero.
func (a attributes) text(kind uint16) string { return text(a.get(kind)) }

func text(b []byte) string {
	before, _, _ := strings.Cut(string(b), "\x00")
	return before
}

// number is one of nf_tables, big-endian; 0 if there is none.
func (a attributes) number(kind uint16) uint32 {
	if b := a.get(kind); len(b) == 4 {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// data is a value that rules compare with or write.
func (a attributes) data(kind uint16) []byte { return a.in(kind).get(unix.NFTA_DATA_VALUE) }

// native is a number of the machine's own byte order, such as a mark; 0 if b is too
// short.
func native(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// Package attribute reads the attributes of netlink messages where they lie: lists of
// connections and of others' rules are long, and most of what is in them is not asked for.
//
// What attributes mean is for the packages that read them.
package attribute

import (
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"
)

// flags are bits of an attribute's type that say something about the value.
const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER

// All are the types and values in a message behind its header, or in a nested value, in
// their order. What is damaged ends them.
func All(b []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= unix.NLA_HDRLEN {
			length := int(binary.NativeEndian.Uint16(b))
			if length < unix.NLA_HDRLEN || length > len(b) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(b[2:])&^flags, b[unix.NLA_HDRLEN:length]) {
				return
			}
			b = b[min(len(b), align(length)):]
		}
	}
}

// Get is the value of the first of a type, nil without one.
func Get(b []byte, kind uint16) []byte {
	for k, value := range All(b) {
		if k == kind {
			return value
		}
	}
	return nil
}

// Append appends one to a message.
func Append(b []byte, kind uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.NLA_HDRLEN+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, align(len(value))-len(value))...)
}

func align(length int) int { return (length + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1) }

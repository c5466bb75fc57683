package policy

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// exportedVariable begins the names that the host exports mutable globals as:
// wazero gives access to a global by its export alone.
const exportedVariable = "snatd:global:"

// maxRestored bounds the mutable globals of a restorable module; languages need
// ten at most.
const maxRestored = 64

// global passes a global, and notes one that may change.
func (b *bounds) global() {
	kind := b.data[min(b.at, len(b.data)-1)]
	b.valueType()
	if b.byte() == 1 {
		b.variables = append(b.variables, b.globals)
		if kind < 0x7c || kind > 0x7f { // no number: wazero does not show all of it
			b.unrestorable = true
		}
	}
	b.globals++
	b.constant()
}

func (b *bounds) export() {
	if name := b.text(); strings.HasPrefix(name, exportedVariable) {
		b.fail("exports %q; accepted: names that do not begin with %q, which is the host's", clip(name), exportedVariable)
	}
	b.byte()
	b.signed()
}

// exportVariables adds exports of the mutable globals, and returns their names.
func (b *bounds) exportVariables() (names []string) {
	if len(b.variables) == 0 {
		return nil
	}
	content := binary.AppendUvarint(nil, uint64(b.exported+len(b.variables)))
	content = append(content, b.data[b.exports.items:b.exports.to]...)
	for _, index := range b.variables {
		name := exportedVariable + strconv.Itoa(index)
		names = append(names, name)
		content = binary.AppendUvarint(content, uint64(len(name)))
		content = append(append(content, name...), 3) // a global
		content = binary.AppendUvarint(content, uint64(index))
	}
	b.edits = append(b.edits, edit{b.exports.from, b.exports.to, sized(content)})
	return names
}

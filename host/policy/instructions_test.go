package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/snatd/snatd/host/policy/wasmtest"
	"github.com/snatd/snatd/sdk/abi"
)

// TestInstructions: operands that look like instructions are none. The code is
// never run, nor valid.
func TestInstructions(t *testing.T) {
	tests := []struct {
		name       string
		code       []byte
		blocks     int
		restorable bool
	}{
		{"constants", []byte{0x41, 0x26, 0x42, 0xfc, 0x0c, 0x43, 0xfc, 0x0f, 2, 2, 0x44, 2, 2, 2, 2, 2, 2, 2, 2}, 0, true},
		{"blocks", []byte{0x02, 0x40, 0x03, 0x40, 0x04, 0x40, 0x05, 0x0c, 2, 0x0d, 2, 0x0e, 2, 2, 2, 2, 0x0b}, 7, true},
		{"loads", []byte{0x28, 2, 0x26, 0x3e, 3, 0x82, 0x02, 0x3f, 0, 0x40, 0}, 0, true},
		{"calls", []byte{0x10, 0x26, 0x11, 2, 3, 0xd2, 0x26, 0xd0, 0x70, 0xd1}, 0, true},
		{"select", []byte{0x1c, 2, 0x7f, 0x7e, 0x1b, 0x1a}, 0, true},
		{"vectors", slices.Concat([]byte{0xfd, 12}, make([]byte, 16), []byte{0xfd, 13}, make([]byte, 16),
			[]byte{0xfd, 0, 2, 0x26, 0xfd, 21, 0x26, 0xfd, 84, 2, 2, 0x26, 0xfd, 0xff, 0x01}), 0, true},
		{"memory.copy, memory.fill, memory.init", []byte{0xfc, 10, 0, 0, 0xfc, 11, 0, 0xfc, 8, 0x26, 0}, 0, true},
		{"conversion", []byte{0xfc, 7, 0xfc, 16, 0x26}, 0, true},
		{"data.drop", []byte{0xfc, 9, 0}, 0, false},
		{"table.init", []byte{0xfc, 12, 0, 0}, 0, false},
		{"elem.drop", []byte{0xfc, 13, 0}, 0, false},
		{"table.copy", []byte{0xfc, 14, 0, 0}, 0, false},
		{"table.grow", []byte{0xfc, 15, 0}, 0, false},
		{"table.fill", []byte{0xfc, 17, 0}, 0, false},
		{"table.set", []byte{0x26, 0}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest()
			g.Func(abi.Decide, wasmtest.Sig(0, 1), tt.code)
			got, err := bound(g.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if got.restorable != tt.restorable {
				t.Errorf("restorable %t, want %t", got.restorable, tt.restorable)
			}
			b := bounds{scanner: &scanner{data: tt.code, end: len(tt.code)}}
			b.instructions(len(tt.code))
			if b.work.blocks != tt.blocks || b.err != nil || b.at != len(tt.code) {
				t.Errorf("%d blocks up to %d, error %v; want %d up to %d", b.work.blocks, b.at, b.err, tt.blocks, len(tt.code))
			}
		})
	}
	for _, code := range [][]byte{{0x06}, {0xfe, 0}, {0xff}, {0xfc, 18}, {0x44, 1}, {0x0e, 200}} {
		g := newGuest()
		g.Func(abi.Decide, wasmtest.Sig(0, 1), code)
		if _, err := bound(g.Bytes()); err == nil || !strings.Contains(err.Error(), "at byte") && !strings.Contains(err.Error(), "before byte") {
			t.Errorf("% x: error %v, want one that says where", code, err)
		}
	}
}

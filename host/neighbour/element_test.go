package neighbour

import (
	"slices"
	"testing"
)

// Intervals are found in whatever order the kernel lists where they begin and end.
func TestFindInterval(t *testing.T) {
	at := func(key byte, end bool, chain string) element {
		return element{key: []byte{key}, end: end, verdict: verdict{chain: chain}}
	}
	elements := []element{
		at(0, true, ""), at(10, false, "first"), at(20, true, ""), at(20, false, "second"), at(30, true, ""), at(250, false, "last"),
	}
	for range 2 {
		for value, want := range map[byte]string{0: "", 9: "", 10: "first", 19: "first", 20: "second", 29: "second", 30: "", 249: "", 250: "last", 255: "last"} {
			if found, share := (&packet{}).find(elements, valueOf([]byte{value})); share != whether(want != "") || share == all && found.verdict.chain != want {
				t.Errorf("%d: %v %q, want %q", value, share, found.verdict.chain, want)
			}
		}
		slices.Reverse(elements)
	}
}

package rules_test

import (
	"strings"
	"testing"
)

// Live connections keep the mark that they were translated with: each is
// restored as it is, and only the current one translates.
func TestEarlierMarks(t *testing.T) {
	r := mustCompile(t, network(), one(excluding("10.0.0.0/16"))).WithEarlierMarks([]uint32{0x400, 0x10, 0x400})
	text := r.Table().String()
	want := `	chain restore {
		ct mark & 0x00000080 == 0x00000080 meta mark set meta mark | 0x00000080
		ct mark & 0x00000010 == 0x00000010 meta mark set meta mark | 0x00000010
		ct mark & 0x00000400 == 0x00000400 meta mark set meta mark | 0x00000400
	}
`
	if !strings.Contains(text, want) {
		t.Errorf("table:\n%s\nlacks\n%s", text, want)
	}
	if n := strings.Count(text, "ct mark set"); n != 1 {
		t.Errorf("%d rules set the connection mark", n)
	}
}

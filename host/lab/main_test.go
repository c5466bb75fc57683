package lab

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	run := m.Run
	if other, ok := mains[os.Getenv(mainVariable)]; ok {
		run = other
	}
	code, err := Enter(run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
	}
	os.Exit(code)
}

// endpoint is where a host answers.
func endpoint(h *Host) netip.AddrPort { return netip.AddrPortFrom(h.Addr, Port) }

func newLab(t *testing.T) *Lab {
	t.Helper()
	l, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

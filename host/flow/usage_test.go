package flow

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snatd/snatd/host/nstest"
)

func TestUsage(t *testing.T) {
	l := newLab(t)
	var last *net.TCPConn
	for range 5 {
		last = l.connect(outside)
	}
	l.connect(service) // to the same endpoint
	l.connect(private) // not translated
	l.ping(outside)    // no port
	l.pod.Do(func() {
		for range 3 {
			conn, err := net.Dial("udp4", outside+":53")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			fmt.Fprint(conn, "hello")
		}
	})
	source, equal := netip.MustParseAddr(primaryAddr), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	equalPorts := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	uses := []PortUse{
		{"tcp", source, netip.MustParseAddrPort(outside + ":80"), 6},
		{"udp", source, netip.MustParseAddrPort(outside + ":53"), 3},
	}
	check := func(what string, most int, marks []uint32, want Usage) {
		t.Helper()
		got, err := l.table.Usage(most, marks...)
		if diff := cmp.Diff(want, got, equal, equalPorts); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
	check("all", 10, []uint32{testMark}, Usage{map[netip.Addr]int{source: 10}, uses})
	check("the nearest", 1, []uint32{testMark}, Usage{map[netip.Addr]int{source: 10}, uses[:1]})
	check("none is counted twice", 10, []uint32{testMark, testMark}, Usage{map[netip.Addr]int{source: 10}, uses})
	check("another mark", 10, []uint32{testMark << 1}, Usage{map[netip.Addr]int{}, nil})

	// A connection that is closed is not live, and holds its port nevertheless.
	to := last.LocalAddr().(*net.TCPAddr).AddrPort()
	if err := last.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	last.Close()
	nstest.Eventually(t, "the reset connection", func() bool {
		for _, f := range l.list(testMark) {
			if f.Source == to {
				return f.Closed()
			}
		}
		return false
	})
	check("one is closed", 10, []uint32{testMark}, Usage{map[netip.Addr]int{source: 9}, uses})
}

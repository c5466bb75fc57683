package flow

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/host/nstest"
)

// Deleted is what was asked for and nothing else, of whatever protocol; the connection
// that was deleted ends, another between the same addresses goes on.
func TestDeleteIsExact(t *testing.T) {
	l := newLab(t)
	deleted, kept, untranslated := l.connect(outside), l.connect(outside), l.connect(private)
	l.ping(outside)
	var doomed []Flow
	for _, f := range l.list(0) {
		if f.Source == deleted.LocalAddr().(*net.TCPAddr).AddrPort() || f.Protocol == "icmp" {
			doomed = append(doomed, f)
		}
	}
	if len(doomed) != 2 {
		t.Fatal(doomed)
	}
	if n, err := l.table.Delete(doomed); n != 2 || err != nil {
		t.Fatalf("%d deleted, error %v", n, err)
	}
	left, err := l.table.Remaining(doomed)
	if len(left) != 0 || err != nil || len(l.list(0)) != 2 {
		t.Errorf("left are %v of %v, error %v", left, l.list(0), err)
	}
	for _, conn := range []net.Conn{kept, untranslated} {
		if _, err := seen(conn); err != nil {
			t.Error(err)
		}
	}
	// Its packets have another port, or the pod's address: the server resets it.
	l.node.Run("nft", "flush", "chain", "ip", "lab", "decide")
	if as, err := seen(deleted); err == nil {
		t.Errorf("the deleted connection goes on as %s", as)
	}
}

func TestDeleteOfWhatIsGone(t *testing.T) {
	l := newLab(t)
	l.connect(outside)
	flows := l.list(0)
	for _, want := range []int{1, 0} {
		if n, err := l.table.Delete(flows); n != want || err != nil {
			t.Errorf("%d deleted, error %v, want %d", n, err, want)
		}
	}
}

// A connection that takes the place of a deleted one is another.
func TestDeleteSparesTheSuccessor(t *testing.T) {
	l := newLab(t)
	conn := l.connect(outside)
	first := l.only(outside)
	// Another entry with the same ends: of which the ID says that it is not the same.
	other := l.only(outside)
	other.entry = string(rename([]byte(other.entry)))
	if n, err := l.table.Delete([]Flow{other}); n != 0 || err != nil {
		t.Errorf("%d deleted, error %v", n, err)
	}
	if remaining, err := l.table.Remaining([]Flow{first}); len(remaining) != 1 || err != nil {
		t.Errorf("%v remain, error %v", remaining, err)
	}
	if _, err := seen(conn); err != nil {
		t.Error(err)
	}
}

// rename changes the ID in the name of an entry.
func rename(entry []byte) []byte {
	for kind, value := range attribute.All(entry) {
		if kind == attrID {
			value[0] ^= 0xff
		}
	}
	return entry
}

// A flow that no kernel made would be a request to forget everything.
func TestDeleteOfNothing(t *testing.T) {
	l := newLab(t)
	l.connect(outside)
	f := l.only(outside)
	f.entry = ""
	if n, err := l.table.Delete([]Flow{f}); n != 0 || !errors.Is(err, errNotRead) {
		t.Errorf("%d deleted, error %v", n, err)
	}
	if len(l.list(0)) != 1 {
		t.Error("another connection is gone")
	}
}

func TestRemaining(t *testing.T) {
	l := newLab(t)
	ends, goes := l.connect(outside), l.connect(outside)
	flows := l.list(testMark)
	if len(flows) != 2 {
		t.Fatal(flows)
	}
	l.connect(outside) // not among them
	if err := ends.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	ends.Close()
	nstest.Eventually(t, "the end of one", func() bool {
		left, err := l.table.Remaining(flows)
		return err == nil && len(left) == 1 && left[0].Source == goes.LocalAddr().(*net.TCPAddr).AddrPort()
	})
	if left, err := l.table.Remaining(nil); len(left) != 0 || err != nil {
		t.Errorf("%v, error %v", left, err)
	}
}

// many makes that many connections, of UDP.
func (l *lab) many(count int) {
	l.t.Helper()
	l.pod.Do(func() {
		conn, err := net.ListenUDP("udp4", nil)
		if err != nil {
			l.t.Fatal(err)
		}
		defer conn.Close()
		for i := range count {
			to := &net.UDPAddr{IP: net.ParseIP(outside), Port: 1000 + i}
			if _, err := conn.WriteToUDP([]byte("hello"), to); err != nil {
				l.t.Fatal(err)
			}
		}
	})
}

func TestMany(t *testing.T) {
	l := newLab(t)
	const count = 10_000
	l.many(count)
	flows := l.list(testMark)
	if len(flows) != count {
		t.Fatalf("%d connections, want %d", len(flows), count)
	}
	if n, err := l.table.Delete(flows[:count/2]); n != count/2 || err != nil {
		t.Fatalf("%d deleted, error %v", n, err)
	}
	if left, err := l.table.Remaining(flows); len(left) != count/2 || err != nil {
		t.Errorf("%d remain, error %v", len(left), err)
	}
}

// What counting, listing and deleting 10,000 connections takes; with another mark the
// kernel goes through as many and answers none.
func BenchmarkTable(b *testing.B) {
	nstest.Need(b, "conntrack", "conntrack")
	l := newLab(b)
	const count = 10_000
	l.many(count)
	for name, mark := range map[string]uint32{"all": 0, "marked": testMark, "none": testMark << 1} {
		b.Run("list/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				l.list(mark)
			}
		})
	}
	b.Run("count", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if n, err := l.table.LiveNAT(testMark, true); n != count || err != nil {
				b.Fatal(n, err)
			}
		}
	})
	b.Run(fmt.Sprint("delete/", count), func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			l.node.Run("conntrack", "-F")
			l.many(count)
			flows := l.list(testMark)
			b.StartTimer()
			if n, err := l.table.Delete(flows); n != count || err != nil {
				b.Fatal(n, err)
			}
		}
	})
}

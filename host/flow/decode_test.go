package flow

import (
	"sync"
	"testing"

	"github.com/snatd/snatd/host/nstest"
)

// A message that is not what it should be is no connection, and no harm.
func FuzzDecode(f *testing.F) {
	f.Add(append(header(), 8, 0, attrMark, 0, 0, 0, 0, 0x80))
	f.Fuzz(func(t *testing.T, b []byte) {
		if flow, ok := decode(b); ok && (!flow.Source.Addr().Is4() || !flow.Endpoint.Addr().Is4()) {
			t.Errorf("%+v", flow)
		}
	})
}

// The loop and those who ask the daemon use one table.
func TestConcurrentUse(t *testing.T) {
	l := newLab(t)
	l.many(500)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				if n, err := l.table.LiveNAT(testMark, true); n != 500 || err != nil {
					t.Errorf("%d live connections, error %v", n, err)
				}
			}
		})
	}
	all.Wait()
}

// Connections of one namespace are not seen from another.
func TestNamespace(t *testing.T) {
	l := newLab(t)
	l.connect(outside)
	elsewhere := l.open(nstest.New(t))
	if flows, err := elsewhere.List(0, nil); len(flows) != 0 || err != nil {
		t.Errorf("%v, error %v", flows, err)
	}
	if n, err := elsewhere.Delete(l.list(0)); n != 0 || err != nil || len(l.list(0)) != 1 {
		t.Errorf("%d deleted, error %v", n, err)
	}
}

package test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/snatd/snatd/host/lab"
)

// see checks which source address a peer sees.
func (d *daemon) see(from *lab.Host, proto lab.Proto, to, want netip.Addr) {
	d.t.Helper()
	seen, err := lab.Exchange(d.t.Context(), from, proto, netip.AddrPortFrom(to, lab.Port))
	if err != nil {
		d.t.Error(err)
	} else if seen != want {
		d.t.Errorf("%s from %s to %s is seen as %s, want %s", proto, from.Name, to, seen, want)
	}
}

// open opens a connection and remembers what its peer saw.
func (d *daemon) open(from *lab.Host, proto lab.Proto, to netip.Addr) *openConn {
	d.t.Helper()
	return d.openAt(from, proto, netip.AddrPortFrom(to, lab.Port))
}

// openAt is open, for another port.
func (d *daemon) openAt(from *lab.Host, proto lab.Proto, to netip.AddrPort) *openConn {
	d.t.Helper()
	conn, err := lab.Open(d.t.Context(), from, proto, to)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { conn.Close() })
	seen, err := conn.Ask(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return &openConn{conn, seen, fmt.Sprintf("%s from %s to %s", proto, from.Name, to)}
}

// openConn is a connection that must outlive every change.
type openConn struct {
	*lab.Conn
	seen netip.AddrPort
	name string
}

func (c *openConn) check(t *testing.T) {
	t.Helper()
	seen, err := c.Ask(t.Context())
	if err != nil {
		t.Errorf("the open connection is broken: %v", err)
	} else if seen != c.seen {
		t.Errorf("the open connection %s is seen as %s, was %s", c.name, seen, c.seen)
	}
}

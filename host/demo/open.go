package demo

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/lab"
)

// openConn is a connection that lives through a change.
type openConn struct {
	conn *lab.Conn
	row  Row
	seen netip.AddrPort // before the change
	says verdict        // before the change
}

// open opens a connection, and asks once: the decision is made on the first
// packet, and UDP has none before.
func (s *stage) open(ctx context.Context, from source, to target, proto lab.Proto) (*openConn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	says, err := s.daemon.explain(ctx, from.pod, to.reached())
	if err != nil {
		return nil, err
	}
	conn, err := lab.Open(ctx, from.host, proto, to.at())
	if err != nil {
		return nil, err
	}
	seen, err := conn.Ask(ctx)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	row := Row{From: from.name, To: to.name, Address: to.addr.String(), Protocol: proto, Opened: "before the change"}
	return &openConn{conn, row, seen, says}, nil
}

// askAgain asks over the same connection. The peer should see what it saw when
// the connection was opened, and for the reason of then.
func (c *openConn) askAgain(ctx context.Context) Row {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	seen, err := c.conn.Ask(ctx)
	if err == nil && seen.Port() != c.seen.Port() {
		err = fmt.Errorf("the port was %d and is %d", c.seen.Port(), seen.Port())
	}
	row := c.row
	row.complete(expectation{c.says.Action, lab.NodePrimary}, seen.Addr(), err, c.says)
	row.Why += ", when it was opened"
	return row
}

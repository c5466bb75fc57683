package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Conn is an open TCP connection, or a UDP socket with one peer. Only one
// goroutine may ask at a time.
type Conn struct {
	conn   net.Conn
	reader *bufio.Reader
	name   string // for errors
}

// Open opens a connection from a host to an address: over TCP it is established
// when Open returns. The caller closes it.
func Open(ctx context.Context, from *Host, proto Proto, to netip.AddrPort) (*Conn, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	if proto != TCP && proto != UDP {
		return nil, fmt.Errorf("open a connection from %s to %s: protocol %q is not tcp or udp", from.Name, to, proto)
	}
	c := &Conn{name: fmt.Sprintf("%s from %s to %s", proto, from.Name, to)}
	var dialer net.Dialer
	if proto == UDP {
		dialer.LocalAddr = &net.UDPAddr{Port: newPort()}
	}
	err := from.Do(func() (err error) {
		c.conn, err = dialer.DialContext(ctx, string(proto)+"4", to.String())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	c.reader = bufio.NewReader(c.conn)
	return c, nil
}

// Ask asks the peer, over this connection, which address and port it sees. When it
// returns, the answer is acknowledged: no packet is due before the next question.
func (c *Conn) Ask(ctx context.Context) (netip.AddrPort, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: ask: %w", c.name, err)
	}
	if err := c.conn.SetDeadline(time.Time{}); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: %w", c.name, err)
	}
	defer interrupt(ctx, c.conn)()
	if _, err := c.conn.Write([]byte(question)); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: ask: %w", c.name, because(ctx, err))
	}
	line, err := c.reader.ReadBytes('\n')
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: no answer: %w", c.name, because(ctx, err))
	}
	if err := c.acknowledge(); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: acknowledge: %w", c.name, err)
	}
	seen, err := parseAnswer(line)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: %w", c.name, err)
	}
	return seen, nil
}

// acknowledge sends what TCP would put off by 40 ms or more, and which would break the
// connection if it left the node without the rules that a test removes meanwhile.
func (c *Conn) acknowledge() error {
	tcp, ok := c.conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
	})
	return errors.Join(err, failed)
}

// Local is this end's address and port, as the host itself knows it.
func (c *Conn) Local() netip.AddrPort {
	switch addr := c.conn.LocalAddr().(type) {
	case *net.TCPAddr:
		return addr.AddrPort()
	case *net.UDPAddr:
		return addr.AddrPort()
	}
	return netip.AddrPort{}
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// patiently gives a context that has no deadline the usual one.
func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, Patience)
}

// interrupt makes reads and writes fail once ctx is done, until the returned
// function is called.
func interrupt(ctx context.Context, conn interface{ SetDeadline(time.Time) error }) (stop func()) {
	interrupted := make(chan struct{})
	cancelled := context.AfterFunc(ctx, func() {
		_ = conn.SetDeadline(time.Unix(1, 0)) // fails on a closed connection only
		close(interrupted)
	})
	return func() {
		if !cancelled() {
			<-interrupted
		}
	}
}

// because is the context's error where it is what made err happen.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

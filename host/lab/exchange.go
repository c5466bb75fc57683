package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// Exchange asks one question from a host, over a new connection, and returns the
// source address that the peer saw. The port of to means nothing to ICMP. A
// packet that is dropped on the way is an error of the context.
func Exchange(ctx context.Context, from *Host, proto Proto, to netip.AddrPort) (seen netip.Addr, err error) {
	if proto == ICMP {
		return ping(ctx, from, to.Addr())
	}
	c, err := Open(ctx, from, proto, to)
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = c.Close() }()
	whole, err := c.Ask(ctx)
	return whole.Addr(), err
}

// ping sends one echo request. Its payload tells its reply from those to others:
// a raw socket gets every ICMP packet of its host, and NAT may change the ID.
func ping(ctx context.Context, from *Host, to netip.Addr) (netip.Addr, error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	name := fmt.Sprintf("icmp from %s to %s", from.Name, to)
	var conn *icmp.PacketConn
	err := from.Do(func() (err error) {
		conn, err = icmp.ListenPacket("ip4:icmp", "0.0.0.0")
		return err
	})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s: %w", name, err)
	}
	defer func() { _ = conn.Close() }()
	defer interrupt(ctx, conn)()

	payload := []byte(rand.Text())
	request := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{
		ID:   newID(),
		Data: payload,
	}}
	packet, err := request.Marshal(nil)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := conn.WriteTo(packet, &net.IPAddr{IP: to.AsSlice()}); err != nil {
		return netip.Addr{}, fmt.Errorf("%s: %w", name, because(ctx, err))
	}
	buf := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("%s: no answer: %w", name, because(ctx, err))
		}
		reply, echo := parseEcho(buf[:n])
		if reply == nil || reply.Type != ipv4.ICMPTypeEchoReply || !bytes.HasPrefix(echo.Data, payload) {
			continue
		}
		seen, err := parseAnswer(echo.Data[len(payload):])
		if err != nil {
			return netip.Addr{}, fmt.Errorf("%s: %w", name, err)
		}
		return seen.Addr(), nil
	}
}

// parseEcho returns nil for what is not an echo request or reply.
func parseEcho(packet []byte) (*icmp.Message, *icmp.Echo) {
	message, err := icmp.ParseMessage(ipv4.ICMPTypeEcho.Protocol(), packet)
	if err != nil {
		return nil, nil
	}
	echo, ok := message.Body.(*icmp.Echo)
	if !ok {
		return nil, nil
	}
	return message, echo
}

package lab

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// peer answers questions on a host, at its address only: an answer must come
// from where the question went.
type peer struct {
	tcp  *net.TCPListener
	udp  *net.UDPConn
	icmp *icmp.PacketConn
	wg   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{} // accepted and open
}

// answer starts the host's peer.
func (h *Host) answer() error {
	p := &peer{conns: map[net.Conn]struct{}{}}
	h.peer = p
	err := h.Do(func() (err error) {
		at := netip.AddrPortFrom(h.Addr, Port)
		if p.tcp, err = net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at)); err != nil {
			return err
		}
		if p.udp, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at)); err != nil {
			return err
		}
		p.icmp, err = icmp.ListenPacket("ip4:icmp", h.Addr.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: listen: %w", h.Name, err)
	}
	p.wg.Go(p.serveTCP)
	p.wg.Go(p.serveUDP)
	p.wg.Go(p.serveICMP)
	return nil
}

func (p *peer) serveTCP() {
	for {
		conn, err := p.tcp.AcceptTCP()
		if err != nil {
			return // closed
		}
		if !p.keep(conn) {
			_ = conn.Close()
			return
		}
		p.wg.Go(func() {
			defer p.forget(conn)
			answerLines(conn, conn.RemoteAddr().(*net.TCPAddr).AddrPort())
		})
	}
}

func answerLines(conn io.ReadWriter, from netip.AddrPort) {
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if _, err := conn.Write(answerTo(from)); err != nil {
			return
		}
	}
}

func (p *peer) serveUDP() {
	buf := make([]byte, 1500)
	for {
		_, from, err := p.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed
		}
		_, _ = p.udp.WriteToUDPAddrPort(answerTo(from), from) // lost: the asker sees a timeout
	}
}

// serveICMP answers echo requests with their own payload and, behind it, the
// answer. The kernel's own answer is off.
func (p *peer) serveICMP() {
	buf := make([]byte, 1500)
	for {
		n, from, err := p.icmp.ReadFrom(buf)
		if err != nil {
			return // closed
		}
		request, echo := parseEcho(buf[:n])
		if request == nil || request.Type != ipv4.ICMPTypeEcho {
			continue
		}
		addr, _ := netip.AddrFromSlice(from.(*net.IPAddr).IP)
		reply := icmp.Message{Type: ipv4.ICMPTypeEchoReply, Body: &icmp.Echo{
			ID:   echo.ID,
			Seq:  echo.Seq,
			Data: append(echo.Data, answerTo(netip.AddrPortFrom(addr, 0))...),
		}}
		packet, err := reply.Marshal(nil)
		if err != nil {
			continue
		}
		_, _ = p.icmp.WriteTo(packet, from) // lost: the asker sees a timeout
	}
}

func (p *peer) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[conn] = struct{}{}
	}
	return !p.closed
}

func (p *peer) forget(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close()
}

// close closes the sockets, of which a listener that failed to start may lack
// some, and waits for the goroutines.
func (p *peer) close() {
	p.mu.Lock()
	p.closed = true
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	if p.tcp != nil {
		_ = p.tcp.Close()
	}
	if p.udp != nil {
		_ = p.udp.Close()
	}
	if p.icmp != nil {
		_ = p.icmp.Close()
	}
	p.wg.Wait()
}

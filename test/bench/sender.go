package main

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/ipv4"
)

// patience is how long a thing that takes a moment may take.
const patience = 10 * time.Second

// sinkPort is where the datagrams go; nothing listens.
const sinkPort = 9

// sender sends a pod's datagrams, each of which is a new flow of its own.
type sender struct {
	path   *path
	socket *net.UDPConn
	packet *ipv4.PacketConn
	// warmUp goes first and is not measured: what a round begins with in the
	// CPU's caches is not what a node has there that is in use.
	warmUp, flows []ipv4.Message
}

// newSender prepares a number of flows, and as many to warm up, to destinations
// that are translated.
func newSender(p *path, flows int) (*sender, error) {
	s := &sender{path: p}
	err := p.pod.Do(func() (err error) {
		s.socket, err = net.ListenUDP("udp4", &net.UDPAddr{})
		return err
	})
	if err != nil {
		return nil, err
	}
	s.packet = ipv4.NewPacketConn(s.socket)
	for i := range flows {
		s.warmUp = append(s.warmUp, datagram(translated(i)))
		s.flows = append(s.flows, datagram(translated(flows+i)))
	}
	return s, nil
}

func datagram(to netip.Addr) ipv4.Message {
	return ipv4.Message{
		Buffers: [][]byte{[]byte("snatd")},
		Addr:    net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, sinkPort)),
	}
}

// cost sends all flows and returns how long one takes, in ns, from the pod's
// system call until its packet is at the sink.
func (s *sender) cost() (float64, error) {
	if _, err := s.send(s.warmUp); err != nil {
		return 0, err
	}
	took, err := s.send(s.flows)
	return float64(took) / float64(len(s.flows)), err
}

// send returns how long it takes until the sink has all datagrams. A few system
// calls send them; counting them at the sink is in the time too, but takes little.
func (s *sender) send(datagrams []ipv4.Message) (time.Duration, error) {
	before, err := s.path.received()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	for sent := 0; sent < len(datagrams); {
		n, err := s.packet.WriteBatch(datagrams[sent:], 0)
		if err != nil {
			return 0, fmt.Errorf("send: %w", err)
		}
		sent += n
	}
	err = s.await(before + uint64(len(datagrams)))
	return time.Since(start), err
}

// await waits until the sink has received a number of packets. It does not
// sleep, for that would be in the time.
func (s *sender) await(packets uint64) error {
	for deadline := time.Now().Add(patience); ; {
		received, err := s.path.received()
		switch {
		case err != nil:
			return err
		case received == packets:
			return nil
		case received > packets:
			return fmt.Errorf("the sink received %d packets that nobody sent", received-packets)
		case time.Now().After(deadline):
			return fmt.Errorf("%d packets did not come to the sink", packets-received)
		}
	}
}

func (s *sender) close() error {
	if s == nil {
		return nil
	}
	return s.socket.Close()
}

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// seenAs sends a datagram from the pod and returns the source address with
// which it comes to the sink.
func (s *sender) seenAs(to netip.Addr) (source netip.Addr, err error) {
	var tap int
	err = s.path.sink.Do(func() (err error) {
		tap, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(hostOrder(unix.ETH_P_IP)))
		return err
	})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("listen at the sink: %w", err)
	}
	// A tap that stayed open would cost every packet.
	defer func() { err = errors.Join(err, unix.Close(tap)) }()
	wait := unix.NsecToTimeval(int64(100 * time.Millisecond))
	if err := unix.SetsockoptTimeval(tap, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return netip.Addr{}, err
	}
	if _, err := s.packet.WriteTo([]byte("snatd"), nil, datagram(to).Addr); err != nil {
		return netip.Addr{}, fmt.Errorf("send to %s: %w", to, err)
	}
	packet := make([]byte, 1500)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		n, _, err := unix.Recvfrom(tap, packet, 0)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return netip.Addr{}, fmt.Errorf("listen at the sink: %w", err)
		}
		if source, destination, ok := addresses(packet[:n]); ok && destination == to {
			return source, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("the datagram to %s did not come to the sink", to)
}

// addresses are the source and the destination in an IPv4 header.
func addresses(packet []byte) (source, destination netip.Addr, ok bool) {
	if len(packet) < 20 {
		return source, destination, false
	}
	return netip.AddrFrom4([4]byte(packet[12:16])), netip.AddrFrom4([4]byte(packet[16:20])), true
}

// hostOrder gives a number in network byte order, as the kernel wants it, in
// the order of this machine.
func hostOrder(n uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}

package dataplane

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// bufferSize is the limit for what waits in the socket, each way. A
	// transaction is one write, and the kernel answers each of its messages
	// before the first answer can be read. Memory is used only as needed.
	bufferSize = 256 << 20
	// fencePatience is how long the fence's missing answer is waited for.
	fencePatience = time.Second / 2
)

// socket is the netlink socket below the library's connection.
type socket struct {
	conn *netlink.Conn
	port uint32 // by which the kernel knows the socket
}

// take is the library's hook for socket options, and the way to the socket.
func (s *socket) take(conn *netlink.Conn) error {
	s.conn = conn
	// The machine's root is not bound to the limits in /proc/sys/net/core; for
	// anybody else the kernel cuts these down to them without an error.
	err := errors.Join(conn.SetWriteBuffer(bufferSize), conn.SetReadBuffer(bufferSize))
	if err != nil {
		return fmt.Errorf("netlink socket buffers: %w", err)
	}
	if s.port, err = portOf(conn); err != nil {
		return fmt.Errorf("netlink socket port: %w", err)
	}
	// Answers carry the kernel's own words about an error.
	if err := conn.SetOption(netlink.ExtendedAcknowledge, true); err != nil {
		return fmt.Errorf("netlink socket options: %w", err)
	}
	return nil
}

func portOf(conn *netlink.Conn) (port uint32, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var address unix.Sockaddr
	if failed := raw.Control(func(fd uintptr) { address, err = unix.Getsockname(int(fd)) }); failed != nil {
		return 0, failed
	}
	if own, ok := address.(*unix.SockaddrNetlink); ok {
		port = own.Pid
	}
	return port, err
}

// fence asks the kernel for an empty answer and reads up to it. It drops the
// answers that a failed transaction has left behind, and returns the sequence
// number after which the next message gets the next one.
func (s *socket) fence() (uint32, error) {
	return s.readToFence(func(uint32, error) {})
}

// readToFence reads up to the answer to an empty message that it sends, and hands over
// what comes before it: the sequence numbers of messages that the kernel has answered,
// and its error if it has refused one. The number is zero if answers did not fit.
func (s *socket) readToFence(answered func(sequence uint32, err error)) (uint32, error) {
	var err error
	// Answers that overflow the socket's buffer are lost, the fence's with
	// them; by the second try the buffer is empty.
	for range 3 {
		var sequence uint32
		if sequence, err = s.tryFence(answered); !errors.Is(err, os.ErrDeadlineExceeded) {
			return sequence, err
		}
	}
	return 0, err
}

func (s *socket) tryFence(answered func(uint32, error)) (uint32, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(fencePatience)); err != nil {
		return 0, err
	}
	defer func() { _ = s.conn.SetReadDeadline(time.Time{}) }()
	sent, err := s.conn.Send(netlink.Message{Header: netlink.Header{
		Type: netlink.Noop, Flags: netlink.Request | netlink.Acknowledge,
	}})
	if err != nil {
		return 0, err
	}
	for {
		answers, err := s.conn.Receive()
		if err != nil {
			sequence, earlier := earlierThan(sent.Header.Sequence, err)
			if !earlier {
				return 0, err
			}
			answered(sequence, err)
		}
		for _, answer := range answers {
			if answer.Header.Sequence == sent.Header.Sequence {
				return sent.Header.Sequence, nil
			}
			answered(answer.Header.Sequence, nil)
		}
	}
}

// earlierThan tells that an error is about messages sent before the one with this
// sequence number: the kernel's answer to one, whose own number is returned, or that
// answers did not fit.
func earlierThan(sequence uint32, err error) (of uint32, earlier bool) {
	if errors.Is(err, unix.ENOBUFS) {
		return 0, true
	}
	answer := (*netlink.OpError)(nil)
	if errors.As(err, &answer) && answer.Sequence != 0 && answer.Sequence != sequence {
		return answer.Sequence, true
	}
	return 0, false
}

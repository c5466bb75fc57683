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
	// patience is how long a missing answer of the kernel is waited for. The
	// library expects one for each message; a kernel that is out of memory
	// answers once for the whole transaction.
	patience = time.Minute
	// fencePatience is the same for the fence, which is a single message.
	fencePatience = time.Second / 2
)

// socket is the netlink socket below the library's connection.
type socket struct{ conn *netlink.Conn }

// take is the library's hook for socket options, and the way to the socket.
func (s *socket) take(conn *netlink.Conn) error {
	s.conn = conn
	// The machine's root is not bound to the limits in /proc/sys/net/core; for
	// anybody else the kernel cuts these down to them without an error.
	err := errors.Join(conn.SetWriteBuffer(bufferSize), conn.SetReadBuffer(bufferSize))
	if err != nil {
		return fmt.Errorf("netlink socket buffers: %w", err)
	}
	// Answers carry the kernel's own words about an error.
	if err := conn.SetOption(netlink.ExtendedAcknowledge, true); err != nil {
		return fmt.Errorf("netlink socket options: %w", err)
	}
	return nil
}

// fence asks the kernel for an empty answer and reads up to it. It drops the
// answers that a failed transaction has left behind, and returns the sequence
// number after which the next message gets the next one.
func (s *socket) fence() (uint32, error) {
	var err error
	// Answers that overflow the socket's buffer are lost, the fence's with
	// them; by the second try the buffer is empty.
	for range 3 {
		var sequence uint32
		if sequence, err = s.tryFence(); !errors.Is(err, os.ErrDeadlineExceeded) {
			return sequence, err
		}
	}
	return 0, err
}

func (s *socket) tryFence() (uint32, error) {
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
		if err != nil && !earlier(err, sent.Header.Sequence) {
			return 0, err
		}
		for _, answer := range answers {
			if answer.Header.Sequence == sent.Header.Sequence {
				return sent.Header.Sequence, nil
			}
		}
	}
}

// earlier tells that an error is about messages sent before the one with this
// sequence number: the kernel's answer to one, or that answers did not fit.
func earlier(err error, sequence uint32) bool {
	if errors.Is(err, unix.ENOBUFS) {
		return true
	}
	answer := (*netlink.OpError)(nil)
	return errors.As(err, &answer) && answer.Sequence != 0 && answer.Sequence != sequence
}

// limited calls the library with a limit to how long it reads.
func (s *socket) limited(flush func() error) error {
	if err := s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	defer func() { _ = s.conn.SetReadDeadline(time.Time{}) }()
	return flush()
}

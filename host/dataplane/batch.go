package dataplane

import (
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// errUnanswered is for answers that are missing without a reason.
var errUnanswered = errors.New("no answer")

// refusal is the kernel's answer to a message of a transaction that it did not take.
type refusal struct {
	message int   // its index; -1: the transaction as a whole
	err     error // of type *netlink.OpError
}

// commit sends messages as one transaction, and returns the refusals in the order of
// the messages: one, and nothing has changed. An error says that the transaction was
// not sent, or that its answers were lost.
func (s *socket) commit(messages []netlink.Message) ([]refusal, error) {
	batch := make([]netlink.Message, 0, len(messages)+2)
	batch = append(batch, boundary(unix.NFNL_MSG_BATCH_BEGIN))
	for _, m := range messages {
		header := netlink.Header{Type: m.Header.Type, Flags: m.Header.Flags}
		batch = append(batch, netlink.Message{Header: header, Data: m.Data})
	}
	batch = append(batch, boundary(unix.NFNL_MSG_BATCH_END))
	sent, err := s.conn.SendMessages(batch)
	if err != nil {
		return nil, err
	}
	// When the kernel has taken the messages, it has answered each of them, or the first
	// for all.
	var refused []refusal
	missing, lost := len(messages), errUnanswered
	_, err = s.readToFence(func(sequence uint32, err error) {
		// Unsigned, because sequence numbers wrap around.
		i := sequence - sent[0].Header.Sequence
		switch {
		case sequence == 0:
			lost = err
		case i > uint32(len(messages)): // to what was sent before
		case err != nil:
			refused = append(refused, refusal{message: int(i) - 1, err: err})
		default:
			missing--
		}
	})
	switch {
	case len(refused) > 0:
		return refused, nil
	case missing > 0:
		return nil, errors.Join(lost, err)
	}
	return nil, nil
}

// boundary is the message that begins or ends a transaction.
func boundary(kind netlink.HeaderType) netlink.Message {
	return netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request},
		Data:   []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}, // big endian
	}
}

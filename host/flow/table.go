package flow

import (
	"errors"
	"fmt"
	"sync"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
)

// Of linux/netfilter/nfnetlink.h and nfnetlink_conntrack.h.
const (
	messageGet    = 1<<8 | 1 // NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET
	messageDelete = 1<<8 | 2 // IPCTNL_MSG_CT_DELETE
)

// Table is the connections of one network namespace: the one in which the calling
// thread was at Open. Several goroutines may use it.
type Table struct {
	mu   sync.Mutex // a dump is not one call
	conn *netlink.Conn
}

// bufferSize is what the kernel fills at most at once.
const bufferSize = 32 << 10

// Open connects to the kernel. That needs CAP_NET_ADMIN.
func Open() (*Table, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{MessageBufferSize: bufferSize})
	if err != nil {
		return nil, fmt.Errorf("connect to connection tracking: %w", err)
	}
	return &Table{conn: conn}, nil
}

// Close ends the connection to the kernel.
func (t *Table) Close() error { return t.conn.Close() }

// List lists the connections that carry all bits of mark, in no order; with 0 that is
// all. The kernel goes by the mark, so that others cost little. Only those that keep
// says true of are kept, so that a search in a large table needs no memory; nil keeps
// all.
//
// A connection that begins or ends meanwhile may be missing or not.
func (t *Table) List(mark uint32, keep func(Flow) bool) ([]Flow, error) {
	flows := []Flow{}
	err := t.dump(mark, func(f Flow) {
		if keep == nil || keep(f) {
			flows = append(flows, f)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list tracked connections: %w", explain(err))
	}
	return flows, nil
}

// LiveNAT counts the connections that need mark until they end, and would not do with
// one of others: they carry all its bits and none of others, are not closed, and are
// translated. With nodePorts so do those to a node port of a pod, whose source is kept: its
// answers leave by the interface that the mark leads to.
func (t *Table) LiveNAT(mark uint32, nodePorts bool, others ...uint32) (int, error) {
	count := 0
	_, err := t.List(mark, func(f Flow) bool {
		if (f.Translated() || nodePorts && f.Rewritten()) && !f.Closed() && !f.Marked(others...) {
			count++
		}
		return false
	})
	return count, err
}

// Remaining returns those of flows that are not closed or gone, as they are now.
func (t *Table) Remaining(flows []Flow) ([]Flow, error) {
	if len(flows) == 0 {
		return nil, nil
	}
	known := make(map[string]bool, len(flows))
	for _, f := range flows {
		known[f.entry] = true
	}
	return t.List(0, func(f Flow) bool { return known[f.entry] && !f.Closed() })
}

func (t *Table) dump(mark uint32, each func(Flow)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	request := header()
	if mark != 0 {
		request = attribute.Append(request, attrMark, big32(mark))
		request = attribute.Append(request, attrMarkMask, big32(mark))
	}
	_, err := t.conn.Send(netlink.Message{
		Header: netlink.Header{Type: messageGet, Flags: netlink.Request | netlink.Dump},
		Data:   request,
	})
	if err != nil {
		return err
	}
	for message, err := range t.conn.ReceiveIter() {
		if err != nil {
			return err
		}
		// A kernel without marks in its connections knows no filter either.
		if f, ok := decode(message.Data); ok && f.Marked(mark) {
			each(f)
		}
	}
	return nil
}

func explain(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: CAP_NET_ADMIN in this network namespace is needed", err)
	}
	return err
}

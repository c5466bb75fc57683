package neighbour

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// kernel is a netlink socket to read from.
type kernel struct{ conn *netlink.Conn }

// bufferSize is what the kernel fills at most at once. Each time it looks for the place in
// the list again at which it stopped.
const bufferSize = 32 << 10

func dial(family int) (*kernel, error) {
	conn, err := netlink.Dial(family, &netlink.Config{MessageBufferSize: bufferSize})
	if err != nil {
		return nil, err
	}
	return &kernel{conn}, nil
}

// close cannot fail usefully: nothing is written.
func (k *kernel) close() { _ = k.conn.Close() }

// tries is how often a dump is begun that others' changes interrupt.
const tries = 5

// dump asks for a list and hands over what its messages contain.
func (k *kernel) dump(kind uint16, request []byte) ([][]byte, error) {
	for range tries {
		answers, err := k.conn.Execute(netlink.Message{
			Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: netlink.Request | netlink.Dump},
			Data:   request,
		})
		if err != nil {
			return nil, err
		}
		var contents [][]byte
		whole := true
		for _, answer := range answers {
			whole = whole && answer.Header.Flags&netlink.DumpInterrupted == 0
			contents = append(contents, answer.Data)
		}
		if whole {
			return contents, nil
		}
	}
	return nil, fmt.Errorf("another program changed it %d times meanwhile", tries)
}

// headerLength is that of struct nfgenmsg.
const headerLength = 4

// tables asks nf_tables for a list of all families.
func (k *kernel) tables(kind uint16, request ...netlink.Attribute) ([][]byte, error) {
	return k.tablesOf(unix.NFPROTO_UNSPEC, kind, request...)
}

// tablesOf is tables for one family.
func (k *kernel) tablesOf(family uint8, kind uint16, request ...netlink.Attribute) ([][]byte, error) {
	filter, err := netlink.MarshalAttributes(request)
	if err != nil {
		return nil, err
	}
	header := []byte{family, unix.NFNETLINK_V0, 0, 0}
	contents, err := k.dump(unix.NFNL_SUBSYS_NFTABLES<<8|kind, append(header, filter...))
	for _, content := range contents {
		if len(content) < headerLength {
			return nil, fmt.Errorf("message of %d bytes", len(content))
		}
	}
	return contents, err
}

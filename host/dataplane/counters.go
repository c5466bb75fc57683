package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/rules/nft"
)

// Counters reads what the counters of a table have counted. It has a socket of its own,
// and several goroutines may use it while another one uses the Dataplane.
type Counters struct {
	mu     sync.Mutex
	socket *socket
}

// openCounters connects in the network namespace of the calling thread.
func openCounters() (*Counters, error) {
	socket, err := openSocket()
	return &Counters{socket: socket}, err
}

// openSocket is a socket of its own, beside the library's.
func openSocket() (*socket, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	s := &socket{}
	if err := s.take(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// Counters is the reader, which ends with the Dataplane.
func (d *Dataplane) Counters() *Counters { return d.counters }

// countersPatience is how long one reading may take.
const countersPatience = 5 * time.Second

// Read returns what the counters of a table of family ip have counted, by name: nothing
// if there is no such table. Each is of the moment at which it is read; a change of the
// rules while they are read is met before or after, and never loses a counter that is
// in both. Nothing is reset.
//
// The errors are ErrInterrupted, if others change nftables all the time, ErrPermission,
// and those of the connection.
func (c *Counters) Read(table string) (map[string]nft.Count, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var counts map[string]nft.Count
	err := c.socket.consistently(countersPatience, func() error {
		counts = map[string]nft.Count{}
		return c.socket.dump(unix.NFT_MSG_GETOBJ, table, countersRequest(table), func(object attributes) {
			// Others' objects can be of another type where the kernel does not select.
			if object.number(unix.NFTA_OBJ_TYPE) == unix.NFT_OBJECT_COUNTER {
				counts[object.text(unix.NFTA_OBJ_NAME)] = decodeCount(object[unix.NFTA_OBJ_DATA])
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the counters of table ip %s: %w", table, err)
	}
	return counts, nil
}

func countersRequest(table string) []netlink.Attribute {
	return []netlink.Attribute{
		name(unix.NFTA_OBJ_TABLE, table),
		{Type: unix.NFTA_OBJ_TYPE, Data: binary.BigEndian.AppendUint32(nil, unix.NFT_OBJECT_COUNTER)},
	}
}

func decodeCount(data []byte) (c nft.Count) {
	for kind, value := range attribute.All(data) {
		if len(value) != 8 {
			continue
		}
		switch kind {
		case unix.NFTA_COUNTER_PACKETS:
			c.Packets = binary.BigEndian.Uint64(value)
		case unix.NFTA_COUNTER_BYTES:
			c.Bytes = binary.BigEndian.Uint64(value)
		}
	}
	return c
}

func (c *Counters) close() error { return c.socket.conn.Close() }

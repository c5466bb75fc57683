package flow

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Delete makes the kernel forget exactly these connections, and returns how many it
// did. One that is gone is none, also if there is another between the same ends by
// now: the kernel compares the entry's ID. The next packet of a connection that was
// forgotten is decided as the first of a new one.
//
// An error about one connection does not keep the others; the first is returned. The
// kernel refuses to forget a connection that network hardware or a flow table forwards.
func (t *Table) Delete(flows []Flow) (deleted int, err error) {
	for _, f := range flows {
		switch failed := t.delete(f); {
		case failed == nil:
			deleted++
		case errors.Is(failed, unix.ENOENT):
		case err == nil:
			err = fmt.Errorf("forget connection %s from %s to %s: %w", f.Protocol, f.Source, f.Destination, explain(failed))
		}
	}
	return deleted, err
}

var errNotRead = errors.New("accepted is a connection that was read from the kernel")

func (t *Table) delete(f Flow) error {
	// Without a tuple the kernel would forget all connections.
	if f.entry == "" {
		return errNotRead
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	_, err := t.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: messageDelete, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(header(), f.entry...),
	})
	return err
}

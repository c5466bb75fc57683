package dataplane

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/rules/nft"
)

// lookups looks addresses up in the maps of a table, as packets do. It has a socket of its
// own, which several goroutines may use.
type lookups struct {
	mu     sync.Mutex
	socket *socket
}

func openLookups() (*lookups, error) {
	socket, err := openSocket()
	return &lookups{socket: socket}, err
}

// lookupPatience is how long one reading may take.
const lookupPatience = 5 * time.Second

// LookUp is Read but for elements: a map of single addresses has only that of src,
// and a map of intervals only the one that dst is in. The kernel is asked for these one by
// one, so that maps of any size cost the same. It tells where an interval begins, not where
// it ends: the element ends with dst. Errors are those of Read. Several goroutines may look
// up while another one uses the Dataplane.
func (d *Dataplane) LookUp(table string, src, dst netip.Addr) (*nft.Table, error) {
	return d.lookups.read(table, src, dst)
}

func (l *lookups) read(table string, src, dst netip.Addr) (held *nft.Table, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.socket.consistently(lookupPatience, func() (err error) {
		held, err = l.socket.readOnce(table, func(table string, m *nft.Map) error {
			if m.Interval {
				return l.socket.lookUp(table, m, dst)
			}
			return l.socket.lookUp(table, m, src)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up in table ip %s: %w", table, err)
	}
	return held, nil
}

// lookUp fills the element of a map that holds the address, if there is one.
func (s *socket) lookUp(table string, m *nft.Map, address netip.Addr) error {
	held, ok, err := s.element(table, m.Name, address)
	if err != nil || !ok {
		return err
	}
	if key, valid := netip.AddrFromSlice(held.key); valid {
		element := held.decode(key, m.Addresses)
		element.Last = address
		m.Elements = []nft.Element{element}
	}
	return nil
}

// element asks for the element that a packet with this key meets, if there is one: in a
// map of intervals, for where that begins.
func (s *socket) element(table, set string, key netip.Addr) (e heldElement, ok bool, err error) {
	element := attribute.Append(nil, unix.NFTA_SET_ELEM_KEY|unix.NLA_F_NESTED,
		attribute.Append(nil, unix.NFTA_DATA_VALUE, key.AsSlice()))
	answers, err := s.ask(unix.NFT_MSG_GETSETELEM, 0, []netlink.Attribute{
		name(unix.NFTA_SET_ELEM_LIST_TABLE, table), name(unix.NFTA_SET_ELEM_LIST_SET, set),
		{Type: unix.NFTA_SET_ELEM_LIST_ELEMENTS | unix.NLA_F_NESTED, Data: attribute.Append(nil, unix.NFTA_LIST_ELEM|unix.NLA_F_NESTED, element)},
	})
	if errors.Is(err, unix.ENOENT) {
		return heldElement{}, false, nil
	}
	if err != nil {
		return heldElement{}, false, err
	}
	for _, answer := range answers {
		object, err := body(answer)
		if err != nil {
			return heldElement{}, false, err
		}
		for _, value := range attribute.All(object[unix.NFTA_SET_ELEM_LIST_ELEMENTS]) {
			return decodeElement(value), true, nil
		}
	}
	return heldElement{}, false, nil
}

func (l *lookups) close() error { return l.socket.conn.Close() }

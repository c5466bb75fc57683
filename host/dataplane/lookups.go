package dataplane

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/rules/nft"
)

// Lookups looks addresses up in the maps of a table, as packets do. It has a socket of its
// own, and several goroutines may use it while another one uses the Dataplane.
type Lookups struct {
	mu     sync.Mutex
	socket *socket
}

func openLookups() (*Lookups, error) {
	socket, err := openSocket()
	return &Lookups{socket: socket}, err
}

// Lookups are those that end with the Dataplane.
func (d *Dataplane) Lookups() *Lookups { return d.lookups }

// lookupPatience is how long one reading may take.
const lookupPatience = 5 * time.Second

// Read is Dataplane.Read but for elements: of each map there are those that hold one of
// the addresses, and no others. The kernel is asked for these one by one, so that maps of
// any size cost the same. It tells where an interval begins, not where it ends: the element
// ends with the last of the addresses that are in it. Errors are those of Dataplane.Read.
func (l *Lookups) Read(table string, addresses ...netip.Addr) (held *nft.Table, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.socket.consistently(lookupPatience, func() (err error) {
		held, err = l.socket.readOnce(table, func(table string, m *nft.Map) error {
			return l.socket.lookUp(table, m, addresses)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look up in table ip %s: %w", table, err)
	}
	return held, nil
}

// lookUp fills the elements of a map that hold one of the addresses.
func (s *socket) lookUp(table string, m *nft.Map, addresses []netip.Addr) error {
	sorted := slices.SortedFunc(slices.Values(addresses), netip.Addr.Compare)
	for _, address := range slices.Compact(sorted) {
		begin, ok, err := s.element(table, m.Name, address)
		if err != nil {
			return err
		}
		key, valid := netip.AddrFromSlice(begin.key)
		if !ok || !valid {
			continue
		}
		element := begin.decode(key, m.Addresses)
		element.Last = address
		if n := len(m.Elements); n > 0 && m.Elements[n-1].First == element.First {
			m.Elements = m.Elements[:n-1]
		}
		m.Elements = append(m.Elements, element)
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

func (l *Lookups) close() error { return l.socket.conn.Close() }

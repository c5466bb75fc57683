package dataplane

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

const (
	// readTries is how often a table is read in which, or beside which, something
	// changes meanwhile.
	readTries = 10
	// readPatience is how long one reading may take.
	readPatience = 30 * time.Second
)

// Read returns what the kernel holds of the table of this name, of family ip; nil if
// there is none. All of it is of one generation. What snatd never makes is in it as
// nft.Unknown, or in Other.
//
// Errors are ErrInterrupted, if others change nftables all the time, ErrPermission,
// and those of the connection.
func (d *Dataplane) Read(table string) (*nft.Table, error) {
	var held *nft.Table
	err := d.socket.consistently(readPatience, func() (err error) {
		held, err = d.socket.readOnce(table, d.socket.readElements)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read table ip %s: %w", table, err)
	}
	return held, nil
}

// consistently reads until nobody has changed nftables meanwhile, each time for so long at
// most. Its errors are those of Read.
func (s *socket) consistently(patience time.Duration, read func() error) (err error) {
	for range readTries {
		// It also drops the rest of an answer that was not read to its end.
		if _, err = s.fence(); err != nil {
			break
		}
		if err = s.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			break
		}
		err = errors.Join(read(), s.conn.SetReadDeadline(time.Time{}))
		if !errors.Is(err, errChanging) {
			break
		}
	}
	switch {
	case errors.Is(err, errChanging):
		return ErrInterrupted
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w: %s", ErrPermission, needCapability)
	}
	return err
}

// elementReader fills the elements of a map, of the table of that name.
type elementReader func(table string, m *nft.Map) error

// readOnce fails with errChanging if it did not meet one generation.
func (s *socket) readOnce(table string, elements elementReader) (*nft.Table, error) {
	before, err := s.generation()
	if err != nil {
		return nil, err
	}
	held, err := s.readTable(table, elements)
	// Objects that are asked for by name can be gone in the next generation.
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return nil, err
	}
	after, changed := s.generation()
	if changed != nil {
		return nil, changed
	}
	if before != after {
		return nil, errChanging
	}
	return held, err
}

func (s *socket) readTable(table string, elements elementReader) (*nft.Table, error) {
	held := &nft.Table{Name: table}
	answers, err := s.ask(unix.NFT_MSG_GETTABLE, 0, []netlink.Attribute{name(unix.NFTA_TABLE_NAME, table)})
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, answer := range answers {
		object, err := body(answer)
		if err != nil {
			return nil, err
		}
		if object.number(unix.NFTA_TABLE_FLAGS)&unix.NFT_TABLE_F_DORMANT != 0 {
			held.Other = append(held.Other, "flags dormant")
		}
	}
	if err := s.readObjects(held); err != nil {
		return nil, err
	}
	if err := s.readChains(held); err != nil {
		return nil, err
	}
	interfaces, err := s.readMaps(held, elements)
	if err != nil {
		return nil, err
	}
	if err := s.readRules(held, interfaces); err != nil {
		return nil, err
	}
	slices.SortFunc(held.Maps, func(a, b nft.Map) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(held.Chains, func(a, b nft.Chain) int { return cmp.Compare(a.Name, b.Name) })
	return held, nil
}

// readObjects lists the counters, and what snatd never makes.
func (s *socket) readObjects(held *nft.Table) error {
	for message, what := range map[uint16]string{unix.NFT_MSG_GETOBJ: "object", unix.NFT_MSG_GETFLOWTABLE: "flowtable"} {
		// Both kinds have their names in the same attributes.
		request := []netlink.Attribute{name(unix.NFTA_OBJ_TABLE, held.Name)}
		err := s.dump(message, held.Name, request, func(object attributes) {
			name := object.text(unix.NFTA_OBJ_NAME)
			if message == unix.NFT_MSG_GETOBJ && object.number(unix.NFTA_OBJ_TYPE) == unix.NFT_OBJECT_COUNTER {
				held.Counters = append(held.Counters, name)
			} else {
				held.Other = append(held.Other, what+" "+name)
			}
		})
		// A kernel without flow tables has none.
		if err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("%ss: %w", what, err)
		}
	}
	slices.Sort(held.Counters)
	slices.Sort(held.Other)
	return nil
}

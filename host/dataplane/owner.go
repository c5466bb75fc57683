package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Protection says who can change a table.
type Protection string

const (
	// Protected means nobody but this Dataplane. A flush of the ruleset by others spares
	// the table, any other change of theirs is refused.
	Protected Protection = "protected"
	// Orphaned means anybody: the table was protected, and its owner is gone.
	Orphaned Protection = "orphaned"
	// Unprotected means anybody: the table was made without protection and cannot get
	// it; one that replaces it can.
	Unprotected Protection = "unprotected"
	// OwnedByOther means only another process; this one cannot change the table.
	OwnedByOther Protection = "owned by another process"
	// NoTable means that there is no such table.
	NoTable Protection = "no table"
	// NoProtection means that the kernel has none to give, which needs Linux 6.9.
	NoProtection Protection = "not supported by this kernel"
)

// Protect makes the tables that Apply makes from now on this Dataplane's own, until
// Close: the kernel lets nobody else change them. They stay after Close, orphaned, and
// an orphaned table is taken over here, which changes nothing in it. It returns what
// holds for the table now.
func (d *Dataplane) Protect(table string) (Protection, error) {
	if !d.features.Has(Protecting) {
		return NoProtection, nil
	}
	d.flags = flagOwner | flagPersist
	held, err := d.Protection(table)
	if err != nil || held != Orphaned {
		return held, err
	}
	refused, err := d.socket.commit([]netlink.Message{makeTable(table, d.flags)})
	if len(refused) > 0 {
		err = refused[0].err
	}
	if err != nil {
		return held, fmt.Errorf("take over table ip %s: %w", table, explain(nil, err))
	}
	return Protected, nil
}

// Protection tells what holds for a table of family ip.
func (d *Dataplane) Protection(table string) (Protection, error) {
	held, err := d.protection(table)
	if err != nil {
		return "", fmt.Errorf("look for the owner of table ip %s: %w", table, err)
	}
	return held, nil
}

func (d *Dataplane) protection(table string) (Protection, error) {
	if _, err := d.socket.fence(); err != nil {
		return "", err
	}
	answers, err := d.socket.ask(unix.NFT_MSG_GETTABLE, 0, []netlink.Attribute{name(unix.NFTA_TABLE_NAME, table)})
	if errors.Is(err, unix.ENOENT) {
		return NoTable, nil
	}
	if err != nil {
		return "", err
	}
	var flags tableFlags
	var owner uint32
	for _, answer := range answers {
		object, err := body(answer)
		if err != nil {
			return "", err
		}
		flags, owner = tableFlags(object.number(unix.NFTA_TABLE_FLAGS)), object.number(tableOwner)
	}
	switch {
	case flags&flagOwner != 0 && owner == d.socket.port:
		return Protected, nil
	case flags&flagOwner != 0:
		return OwnedByOther, nil
	case flags&flagPersist != 0:
		return Orphaned, nil
	}
	return Unprotected, nil
}

// tableFlags are a table's, from linux/netfilter/nf_tables.h.
type tableFlags uint32

const (
	flagOwner   tableFlags = 1 << 1 // only the socket that set it can change the table
	flagPersist tableFlags = 1 << 2 // the table outlives that socket
)

// tableOwner is the attribute NFTA_TABLE_OWNER, from there too: the owner's port.
const tableOwner = 7

// makeTable adds a table. If it exists, without flags nothing happens; with them the
// kernel refuses, unless the table has them or is orphaned: that is taken over.
func makeTable(table string, flags tableFlags) netlink.Message {
	attributes := []netlink.Attribute{name(unix.NFTA_TABLE_NAME, table)}
	if flags != 0 {
		attributes = append(attributes, netlink.Attribute{
			Type: unix.NFTA_TABLE_FLAGS, Data: binary.BigEndian.AppendUint32(nil, uint32(flags)),
		})
	}
	data, err := netlink.MarshalAttributes(attributes)
	if err != nil {
		panic(err) // only of attributes with a length of their own
	}
	return netlink.Message{
		Header: netlink.Header{
			Type:  unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWTABLE,
			Flags: netlink.Request | netlink.Acknowledge | netlink.Create,
		},
		Data: append([]byte{unix.NFPROTO_IPV4, unix.NFNETLINK_V0, 0, 0}, data...),
	}
}

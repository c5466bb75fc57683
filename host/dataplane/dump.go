package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
)

// errChanging says that the kernel's rules changed while they were read.
var errChanging = errors.New("the rules changed while they were read")

// attributes are those of a netlink message or of a nested attribute, by type. A
// missing one is empty.
type attributes map[uint16][]byte

func parse(data []byte) attributes { return maps.Collect(attribute.All(data)) }

// text is a string of the kernel's, which ends in a NUL.
func (a attributes) text(kind uint16) string { return unix.ByteSliceToString(a[kind]) }

// number is zero if there is none.
func (a attributes) number(kind uint16) uint32 { return bigEndian(a[kind]) }

func bigEndian(value []byte) uint32 {
	if len(value) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(value)
}

// nested are the attributes in an attribute.
func (a attributes) nested(kind uint16) attributes { return parse(a[kind]) }

// dump asks nf_tables for objects of family ip, and calls found with each one of the
// table. It ends with errChanging if the kernel says that they changed meanwhile.
func (s *socket) dump(message uint16, table string, request []netlink.Attribute, found func(attributes)) error {
	answers, err := s.ask(message, netlink.Dump, request)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if answer.Header.Flags&netlink.DumpInterrupted != 0 {
			return errChanging
		}
		object, err := body(answer)
		if err != nil {
			return err
		}
		// Every object names its table by the same attribute. Chains are those of
		// all tables, whatever was asked for.
		if object.text(unix.NFTA_CHAIN_TABLE) == table {
			found(object)
		}
	}
	return nil
}

// ask sends a request to nf_tables and returns the answers.
func (s *socket) ask(message uint16, flags netlink.HeaderFlags, request []netlink.Attribute) ([]netlink.Message, error) {
	data, err := netlink.MarshalAttributes(request)
	if err != nil {
		return nil, err
	}
	_, err = s.conn.Send(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | netlink.HeaderType(message), Flags: netlink.Request | flags},
		Data:   append([]byte{unix.NFPROTO_IPV4, unix.NFNETLINK_V0, 0, 0}, data...),
	})
	if err != nil {
		return nil, err
	}
	answers, err := s.conn.Receive()
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return nil, errChanging
	}
	return answers, err
}

// generation changes with every transaction of anybody in the namespace.
func (s *socket) generation() (uint32, error) {
	answers, err := s.ask(unix.NFT_MSG_GETGEN, 0, nil)
	if err != nil {
		return 0, err
	}
	if len(answers) != 1 {
		return 0, fmt.Errorf("generation: %d answers", len(answers))
	}
	object, err := body(answers[0])
	return object.number(unix.NFTA_GEN_ID), err
}

// body is what follows the header of nfnetlink.
func body(m netlink.Message) (attributes, error) {
	const header = 4
	if len(m.Data) < header {
		return nil, fmt.Errorf("message of %d bytes", len(m.Data))
	}
	return parse(m.Data[header:]), nil
}

// name is an attribute that names an object.
func name(kind uint16, value string) netlink.Attribute {
	return netlink.Attribute{Type: kind, Data: append([]byte(value), 0)}
}

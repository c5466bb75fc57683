package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
)

// monitor hears from a node's kernel which elements it has added and deleted, as
// "nft monitor" does: asking again and again would take the daemon's CPU, and be
// less exact.
type monitor struct{ conn *netlink.Conn }

// event is what has happened, by the kernel's message about it.
type event netlink.HeaderType

const (
	subsystem         = unix.NFNL_SUBSYS_NFTABLES << 8
	added       event = subsystem | unix.NFT_MSG_NEWSETELEM
	deleted     event = subsystem | unix.NFT_MSG_DELSETELEM
	transaction event = subsystem | unix.NFT_MSG_NEWGEN // behind all that is in it
)

func newMonitor(node *lab.Host) (*monitor, error) {
	m := &monitor{}
	err := node.Do(func() (err error) {
		m.conn, err = netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{Groups: 1 << (unix.NFNLGRP_NFTABLES - 1)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen to the kernel: %w", err)
	}
	return m, nil
}

// await returns when that has happened to the elements of all of these pods, and
// how many transactions there were since the last call.
func (m *monitor) await(what event, pods []netip.Addr) (transactions int, err error) {
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	missing := map[netip.Addr]bool{}
	for _, pod := range pods {
		missing[pod] = true
	}
	for {
		messages, err := m.conn.Receive()
		if err != nil {
			return 0, fmt.Errorf("waiting for the kernel to change the elements of %d pods more: %w", len(missing), err)
		}
		for _, message := range messages {
			switch event(message.Header.Type) {
			case what:
				address, err := elementKey(message.Data)
				if err != nil {
					return 0, err
				}
				delete(missing, address)
			case transaction:
				transactions++
				if len(missing) == 0 {
					return transactions, nil
				}
			}
		}
	}
}

// elementKey is the address in a message about one element.
func elementKey(message []byte) (address netip.Addr, err error) {
	const header = 4 // struct nfgenmsg
	if len(message) < header {
		return netip.Addr{}, fmt.Errorf("the kernel's message of %d bytes is too short", len(message))
	}
	value := message[header:]
	for _, kind := range []uint16{unix.NFTA_SET_ELEM_LIST_ELEMENTS, unix.NFTA_LIST_ELEM, unix.NFTA_SET_ELEM_KEY, unix.NFTA_DATA_VALUE} {
		if value, err = attribute(value, kind); err != nil {
			return netip.Addr{}, err
		}
	}
	address, ok := netip.AddrFromSlice(value)
	if !ok {
		return netip.Addr{}, fmt.Errorf("the kernel's element has the key %x, not an address", value)
	}
	return address, nil
}

// attribute is the value of the first attribute of a kind.
func attribute(attributes []byte, kind uint16) ([]byte, error) {
	decoder, err := netlink.NewAttributeDecoder(attributes)
	if err != nil {
		return nil, err
	}
	for decoder.Next() {
		if decoder.Type() == kind {
			return decoder.Bytes(), nil
		}
	}
	if err := decoder.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("the kernel's message lacks attribute %d", kind)
}

func (m *monitor) close() error { return m.conn.Close() }

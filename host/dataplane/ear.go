package dataplane

import (
	"encoding/binary"
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// watchBuffer is the limit for notifications that wait, in bytes: those of others'
// transactions only.
const watchBuffer = 16 << 20

// ear is a socket that hears what happens in nftables.
type ear struct{ conn *netlink.Conn }

// listen subscribes to what happens in nftables, but for what the Dataplane's own
// socket does: the kernel is told not to queue it, so that a large transaction of ours
// cannot cost others' notifications their place.
func (d *Dataplane) listen() (ear, error) {
	// Where a netlink header has the port, in the kernel's own byte order; filters
	// read big endian.
	const sender = 12
	filter, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: sender, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(number(d.socket.port)), SkipFalse: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 1<<32 - 1},
	})
	if err != nil {
		return ear{}, err
	}
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return ear{}, err
	}
	err = errors.Join(conn.SetBPF(filter), conn.SetReadBuffer(watchBuffer), conn.JoinGroup(unix.NFNLGRP_NFTABLES))
	if err != nil {
		return ear{}, errors.Join(err, conn.Close())
	}
	return ear{conn}, nil
}

// hear tells what it hears until it cannot hear any more.
func (e ear) hear(h *hearing, found chan Disturbance) error {
	for {
		messages, err := e.conn.Receive()
		switch {
		case errors.Is(err, unix.ENOBUFS):
			h.reset() // the end of a transaction may be lost, too
			e.drain()
			tell(found, Disturbance{Lost: true})
			continue
		case err != nil:
			return err
		}
		for _, m := range messages {
			if disturbance, ok := h.hear(m); ok {
				tell(found, disturbance)
			}
		}
	}
}

// drain drops the notifications that wait. Until none does, the kernel loses those that
// come, and does not say so again.
func (e ear) drain() {
	raw, err := e.conn.SyscallConn()
	if err != nil {
		return // closed, as the next call will say
	}
	_ = raw.Control(func(fd uintptr) {
		for {
			_, _, err := unix.Recvfrom(int(fd), nil, unix.MSG_DONTWAIT)
			if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
				return
			}
		}
	})
}

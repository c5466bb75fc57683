package dataplane

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// watchBuffer is the limit for notifications that wait, in bytes: those of others'
// transactions only.
const watchBuffer = 16 << 20

// Watch tells what others do to a table of family ip, within the moment that the
// kernel needs to tell. Changes by this Dataplane are silent. If disturbances come
// faster than they are taken, they become one. The channel is closed when the context
// or the Dataplane ends, or the kernel cannot be heard any more. Watch can be called once.
func (d *Dataplane) Watch(ctx context.Context, table string) (<-chan Disturbance, error) {
	if err := d.listen(); err != nil {
		return nil, fmt.Errorf("watch table ip %s: %w", table, err)
	}
	found := make(chan Disturbance, 1)
	stop := context.AfterFunc(ctx, func() { _ = d.events.SetReadDeadline(time.Unix(0, 1)) })
	go func() {
		defer close(found)
		defer stop()
		h := hearing{table: table}
		for ctx.Err() == nil {
			messages, err := d.events.Receive()
			switch {
			case errors.Is(err, unix.ENOBUFS):
				h.reset() // the end of a transaction may be lost, too
				d.drain()
				tell(found, Disturbance{Lost: true})
				continue
			case err != nil:
				return
			}
			for _, m := range messages {
				if disturbance, ok := h.hear(m); ok {
					tell(found, disturbance)
				}
			}
		}
	}()
	return found, nil
}

// listen subscribes to what happens in nftables, but for what the Dataplane's own
// socket does: the kernel is told not to queue it, so that a large transaction of ours
// cannot cost others' notifications their place.
func (d *Dataplane) listen() error {
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
		return err
	}
	if err := d.events.SetBPF(filter); err != nil {
		return err
	}
	if err := d.events.SetReadBuffer(watchBuffer); err != nil {
		return err
	}
	return d.events.JoinGroup(unix.NFNLGRP_NFTABLES)
}

// drain drops the notifications that wait. Until none does, the kernel loses those that
// come, and does not say so again.
func (d *Dataplane) drain() {
	raw, err := d.events.SyscallConn()
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

// tell hands over a disturbance, together with one that nobody has taken. Nobody else
// sends, so there is room.
func tell(to chan Disturbance, d Disturbance) {
	select {
	case earlier := <-to:
		d = earlier.And(d)
	default:
	}
	to <- d
}

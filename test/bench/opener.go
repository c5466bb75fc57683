package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
)

// opener opens flows from a pod to the internet, each as soon as the one before was seen
// there. A flow is one datagram, and differs from the others by its source port.
type opener struct {
	pod    int // a raw socket
	peer   *net.UDPConn
	packet [28]byte // headers of IP and UDP, and no more
	opened int
}

// openedFlow is when a flow was opened, and the source that the peer saw.
type openedFlow struct {
	at     time.Time
	source netip.Addr
}

const (
	// The node forgets a flow after a second: less than it takes to use so many ports.
	firstPort, ports = 1024, 60_000
	// mostOpened flows are more than any round needs.
	mostOpened = 5_000_000
	// flowPatience is how long a flow that is not seen is waited for.
	flowPatience = 100 * time.Millisecond
)

func newOpener(l *lab.Lab) (o *opener, err error) {
	o = &opener{}
	err = l.Internet.Do(func() (err error) {
		o.peer, err = net.ListenUDP("udp4", &net.UDPAddr{Port: sinkPort})
		return err
	})
	if err != nil {
		return nil, err
	}
	err = l.PodA.Do(func() (err error) {
		o.pod, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, o.peer.Close())
	}
	source, destination := lab.PodA.As4(), lab.Internet.As4()
	o.packet[0], o.packet[8], o.packet[9] = 0x45, 64, unix.IPPROTO_UDP
	copy(o.packet[12:], source[:])
	copy(o.packet[16:], destination[:])
	binary.BigEndian.PutUint16(o.packet[22:], sinkPort)
	binary.BigEndian.PutUint16(o.packet[24:], 8)
	err = l.Node.Do(func() error {
		return os.WriteFile("/proc/sys/net/netfilter/nf_conntrack_udp_timeout", []byte("1"), 0)
	})
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

// open opens flows until enough says so, which is asked before each, with how many were
// seen.
func (o *opener) open(ctx context.Context, enough func(seen int) bool) (flows []openedFlow, err error) {
	buffer := make([]byte, 64)
	for !enough(len(flows)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if o.opened++; o.opened > mostOpened {
			return nil, fmt.Errorf("%d flows are not enough", mostOpened)
		}
		binary.BigEndian.PutUint16(o.packet[20:], uint16(firstPort+o.opened%ports))
		at := time.Now()
		if err := unix.Sendto(o.pod, o.packet[:], 0, &unix.SockaddrInet4{Addr: lab.Internet.As4()}); err != nil {
			return nil, fmt.Errorf("open a flow: %w", err)
		}
		if err := o.peer.SetReadDeadline(at.Add(flowPatience)); err != nil {
			return nil, err
		}
		_, from, err := o.peer.ReadFromUDPAddrPort(buffer)
		switch {
		case err == nil:
			flows = append(flows, openedFlow{at, from.Addr()})
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, fmt.Errorf("see a flow: %w", err)
		}
	}
	return flows, nil
}

func (o *opener) close() error { return errors.Join(o.peer.Close(), unix.Close(o.pod)) }

package link

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Watch sends a tick when an interface, an IPv4 address, an IPv4 route or an IPv4
// routing rule has changed in the network namespace of the calling thread, no
// matter who changed it. Changes that come faster than ticks are taken are one
// tick. The channel is closed once ctx is done, and if the kernel ends the
// subscription for a reason that does not pass.
func Watch(ctx context.Context) (<-chan struct{}, error) {
	socket, err := subscribe()
	if err != nil {
		return nil, err
	}
	ticks := make(chan struct{}, 1)
	// Closing the socket ends a read that waits.
	stop := context.AfterFunc(ctx, socket.Close)
	go func() {
		defer close(ticks)
		watch(socket.Receive, ticks)
		if stop() {
			socket.Close()
		}
	}()
	return ticks, nil
}

func subscribe() (*nl.NetlinkSocket, error) {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE,
		unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE)
	if err != nil {
		return nil, fmt.Errorf("subscribe to changes of interfaces, addresses, routes and rules: %w", err)
	}
	return socket, nil
}

// watch ticks for everything received, until receiving fails for good.
func watch(receive func() ([]syscall.NetlinkMessage, *unix.SockaddrNetlink, error), ticks chan<- struct{}) {
	for {
		if _, _, err := receive(); err != nil && !lossy(err) {
			return
		}
		select {
		case ticks <- struct{}{}:
		default: // one waits already
		}
	}
}

// lossy tells that messages were lost but the subscription goes on: the kernel
// drops what does not fit into the socket, says so once, and sends what comes
// after. What was lost was a change, so it is a tick.
func lossy(err error) bool {
	return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EINTR)
}

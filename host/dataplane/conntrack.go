package dataplane

import (
	"fmt"

	routes "github.com/vishvananda/netlink"
)

// LiveTranslations counts the connections that the kernel tracks, carry all
// bits of mark, and have their source translated: replies go to another address
// than the one that the connection came from. A TCP connection that is closed is
// tracked for minutes after, and does not count.
func (d *Dataplane) LiveTranslations(mark uint32) (int, error) {
	flows, err := complete(func() ([]*routes.ConntrackFlow, error) {
		return d.routes.ConntrackTableList(routes.ConntrackTable, routes.FAMILY_V4)
	})
	if err != nil {
		return 0, fmt.Errorf("list tracked connections: %w", err)
	}
	count := 0
	for _, flow := range flows {
		if flow.Mark&mark == mark && !flow.Reverse.DstIP.Equal(flow.Forward.SrcIP) && !closed(flow) {
			count++
		}
	}
	return count, nil
}

// States of a tracked TCP connection in which no more data is sent, from
// linux/netfilter/nf_conntrack_tcp.h.
const (
	tcpTimeWait = 7
	tcpClose    = 8
)

func closed(flow *routes.ConntrackFlow) bool {
	tcp, ok := flow.ProtoInfo.(*routes.ProtoInfoTCP)
	return ok && (tcp.State == tcpTimeWait || tcp.State == tcpClose)
}

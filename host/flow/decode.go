package flow

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
)

const (
	timeWait = "time_wait"
	closed   = "close"
)

// tcpStates are those of linux/netfilter/nf_conntrack_tcp.h, in its order.
var tcpStates = []string{
	"none", "syn_sent", "syn_recv", "established", "fin_wait", "close_wait", "last_ack", timeWait, closed, "syn_sent2",
}

var protocols = map[uint8]string{
	unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_DCCP: "dccp",
	unix.IPPROTO_GRE: "gre", unix.IPPROTO_SCTP: "sctp", unix.IPPROTO_UDPLITE: "udplite",
}

// statusReplied is IPS_SEEN_REPLY of linux/netfilter/nf_conntrack_common.h.
const statusReplied = 1 << 1

// decode reads an entry; not ok is one without IPv4 addresses.
func decode(message []byte) (f Flow, ok bool) {
	if len(message) < headerLength {
		return Flow{}, false
	}
	var buffer [96]byte
	name := buffer[:0]
	for kind, value := range attribute.All(message[headerLength:]) {
		switch kind {
		case attrOriginal:
			var protocol uint8
			if f.Source, f.Destination, protocol, ok = tuple(value); !ok {
				return Flow{}, false
			}
			f.Protocol = protocolName(protocol)
			name = attribute.Append(name, kind|unix.NLA_F_NESTED, value)
		case attrReply:
			if f.Endpoint, f.Seen, _, ok = tuple(value); !ok {
				return Flow{}, false
			}
		case attrID, attrZone:
			name = attribute.Append(name, kind, value)
		case attrStatus:
			if f.State == "" {
				f.State = "unreplied"
				if number(value)&statusReplied != 0 {
					f.State = "replied"
				}
			}
		case attrProtoInfo:
			if state, tcp := tcpState(value); tcp {
				f.State = state
			}
		case attrTimeout:
			f.Timeout = uint32(number(value))
		case attrMark:
			f.Mark = uint32(number(value))
		case attrTimestamp:
			if start := number(attribute.Get(value, attrStart)); start != 0 {
				f.Started = time.Unix(0, int64(start)).UTC()
			}
		}
	}
	f.entry = string(name)
	return f, f.Source.IsValid() && f.Seen.IsValid()
}

// tuple reads the two ends of one direction.
func tuple(b []byte) (from, to netip.AddrPort, protocol uint8, ok bool) {
	var source, target netip.Addr
	for kind, value := range attribute.All(attribute.Get(b, attrTupleIP)) {
		switch kind {
		case attrIPSource:
			source, _ = netip.AddrFromSlice(value)
		case attrIPTarget:
			target, _ = netip.AddrFromSlice(value)
		}
	}
	var ports [2]uint16
	for kind, value := range attribute.All(attribute.Get(b, attrTupleProto)) {
		switch kind {
		case attrProtocol:
			protocol = uint8(number(value))
		case attrPortSource:
			ports[0] = uint16(number(value))
		case attrPortTarget:
			ports[1] = uint16(number(value))
		}
	}
	return netip.AddrPortFrom(source, ports[0]), netip.AddrPortFrom(target, ports[1]), protocol, source.Is4() && target.Is4()
}

func tcpState(info []byte) (name string, tcp bool) {
	state := attribute.Get(attribute.Get(info, attrInfoTCP), attrTCPState)
	if len(state) == 0 {
		return "", false
	}
	if i := int(state[0]); i < len(tcpStates) {
		return tcpStates[i], true
	}
	return strconv.Itoa(int(state[0])), true
}

func protocolName(number uint8) string {
	if name, known := protocols[number]; known {
		return name
	}
	return strconv.Itoa(int(number))
}

// number reads a number of any length; connection tracking's are big-endian.
func number(b []byte) uint64 {
	var padded [8]byte
	if len(b) > len(padded) {
		return 0
	}
	copy(padded[len(padded)-len(b):], b)
	return binary.BigEndian.Uint64(padded[:])
}

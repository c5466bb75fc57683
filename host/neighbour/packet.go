package neighbour

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// packet is the first of a pod's connection to somewhere outside of the node, where the
// postrouting hook sees it: what goes to a pod of the node leaves by that one's interface.
type packet struct {
	source     netip.Addr
	pods       map[string]bool // their addresses as bytes, to which none of the packets goes
	in, out    string          // interfaces
	mark       uint32
	connection uint32 // the connection's mark
}

// packets are those whose way through the rules is judged.
func (n Node) packets() []packet {
	var packets []packet
	pods := map[string]bool{}
	for _, pod := range n.Pods {
		pods[string(pod.AsSlice())] = true
	}
	for _, source := range n.Pods {
		for _, pattern := range n.PodInterfaces {
			name := pattern
			if prefix, any := strings.CutSuffix(pattern, "*"); any {
				name = prefix + "0"
			}
			for _, mark := range []uint32{n.Mark, 0} {
				packets = append(packets, packet{source, pods, name, n.PrimaryInterface, mark, mark})
			}
		}
	}
	return packets
}

// meta is what the expression of that name loads.
func (p *packet) meta(key uint32) value {
	switch key {
	case unix.NFT_META_MARK:
		return nativeValue(p.mark)
	case unix.NFT_META_IIFNAME:
		return valueOf(interfaceName(p.in))
	case unix.NFT_META_OIFNAME:
		return valueOf(interfaceName(p.out))
	case unix.NFT_META_NFPROTO:
		return valueOf([]byte{unix.NFPROTO_IPV4})
	case unix.NFT_META_PROTOCOL:
		return valueOf(binary.BigEndian.AppendUint16(nil, unix.ETH_P_IP))
	case unix.NFT_META_L4PROTO, unix.NFT_META_LEN, unix.NFT_META_PRANDOM, unix.NFT_META_CPU, unix.NFT_META_PRIORITY:
		return uniform(free, cellSize)
	}
	return uniform(unclear, cellSize)
}

// States and directions of connections, of linux/netfilter/nf_conntrack_common.h.
const (
	stateNew          = 1 << 3
	directionOriginal = 0
)

// ct is what the expression of that name loads.
func (p *packet) ct(key uint32) value {
	switch key {
	case unix.NFT_CT_MARK:
		return nativeValue(p.connection)
	case unix.NFT_CT_STATE:
		return nativeValue(stateNew)
	case unix.NFT_CT_DIRECTION:
		return valueOf([]byte{directionOriginal})
	case unix.NFT_CT_STATUS: // a service's packet has other bits than others
		return uniform(free, cellSize)
	}
	return uniform(unclear, cellSize)
}

// Where the addresses are in an IPv4 header.
const sourceFirst, sourceEnd, destinationEnd = 12, 16, 20

// payload is a part of the packet, which may be several fields beside each other.
func (p *packet) payload(base, offset, length int) value {
	switch base {
	case unix.NFT_PAYLOAD_TRANSPORT_HEADER:
		return uniform(free, length)
	case unix.NFT_PAYLOAD_NETWORK_HEADER:
	default:
		return uniform(unclear, length)
	}
	v := uniform(free, length)
	source := p.source.As4()
	for i := range v {
		first, end := offset+i*cellSize, offset+min((i+1)*cellSize, length)
		switch {
		case first >= sourceFirst && end <= sourceEnd:
			v[i] = cell{sure: known}
			copy(v[i].bytes[:], source[first-sourceFirst:end-sourceFirst])
		case first == sourceEnd && end == destinationEnd:
			v[i].sure = away
		}
	}
	return v
}

// fib is what routing says: neither end is an address of the node.
func (p *packet) fib(result uint32) value {
	if result == unix.NFT_FIB_RESULT_ADDRTYPE {
		return nativeValue(unix.RTN_UNICAST)
	}
	return uniform(unclear, cellSize)
}

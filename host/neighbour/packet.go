package neighbour

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// packet is the first of a pod's connection to somewhere outside of the node, where the
// postrouting hook sees it.
type packet struct {
	source     netip.Addr
	in, out    string // interfaces
	mark       uint32
	connection uint32 // the connection's mark
}

// packets are those whose way through the rules is judged.
func (n Node) packets() []packet {
	var packets []packet
	for _, source := range n.Pods {
		for _, pattern := range n.PodInterfaces {
			name := pattern
			if prefix, any := strings.CutSuffix(pattern, "*"); any {
				name = prefix + "0"
			}
			for _, mark := range []uint32{n.Mark, 0} {
				packets = append(packets, packet{source, name, n.PrimaryInterface, mark, mark})
			}
		}
	}
	return packets
}

// value is some bytes of what is known of a packet.
type value struct {
	bytes []byte
	sure  certainty
}

// certainty is what is known of a value.
type certainty uint8

const (
	known   certainty = iota // it is the bytes
	free                     // pods' packets have one or another
	unclear                  // nothing is known
)

func nativeValue(v uint32) value {
	return value{bytes: binary.NativeEndian.AppendUint32(nil, v)}
}

func interfaceValue(name string) value {
	return value{bytes: append([]byte(name), make([]byte, unix.IFNAMSIZ-min(len(name), unix.IFNAMSIZ))...)}
}

// meta is what the expression of that name loads.
func (p *packet) meta(key uint32) value {
	switch key {
	case unix.NFT_META_MARK:
		return nativeValue(p.mark)
	case unix.NFT_META_IIFNAME:
		return interfaceValue(p.in)
	case unix.NFT_META_OIFNAME:
		return interfaceValue(p.out)
	case unix.NFT_META_NFPROTO:
		return value{bytes: []byte{unix.NFPROTO_IPV4}}
	case unix.NFT_META_PROTOCOL:
		return value{bytes: binary.BigEndian.AppendUint16(nil, unix.ETH_P_IP)}
	case unix.NFT_META_L4PROTO, unix.NFT_META_LEN, unix.NFT_META_PRANDOM, unix.NFT_META_CPU, unix.NFT_META_PRIORITY:
		return value{sure: free}
	}
	return value{sure: unclear}
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
		return value{bytes: []byte{directionOriginal}}
	case unix.NFT_CT_STATUS: // a service's packet has other bits than others
		return value{sure: free}
	}
	return value{sure: unclear}
}

// Where the source address is in an IPv4 header.
const sourceFirst, sourceEnd = 12, 16

func (p *packet) payload(base, offset, length uint32) value {
	switch {
	case base != unix.NFT_PAYLOAD_NETWORK_HEADER && base != unix.NFT_PAYLOAD_TRANSPORT_HEADER:
		return value{sure: unclear}
	case base == unix.NFT_PAYLOAD_NETWORK_HEADER && offset >= sourceFirst && offset < sourceEnd && length <= sourceEnd-offset:
		source := p.source.As4()
		return value{bytes: source[offset-sourceFirst:][:length]}
	}
	return value{sure: free}
}

// fib is what routing says: neither end is an address of the node.
func (p *packet) fib(result uint32) value {
	if result == unix.NFT_FIB_RESULT_ADDRTYPE {
		return nativeValue(unix.RTN_UNICAST)
	}
	return value{sure: unclear}
}

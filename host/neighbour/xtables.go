package neighbour

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// What iptables-nft leaves where nf_tables has no expression of its own: a match or a
// target of iptables, with a structure of linux/netfilter/xt_*.h.

// extension reads name, revision and structure.
func (e expression) extension() (name string, revision uint32, info []byte) {
	return e.text(unix.NFTA_MATCH_NAME), e.number(unix.NFTA_MATCH_REV), e.get(unix.NFTA_MATCH_INFO)
}

// xtMatch is which share of the packets a match is for.
func (p *packet) xtMatch(e expression) extent {
	name, revision, info := e.extension()
	switch name {
	case "comment":
		return all
	case "mark":
		return markMatches(revision, info, p.mark)
	case "connmark":
		return markMatches(revision, info, p.connection)
	case "addrtype":
		return addressTypeMatches(revision, info)
	case "tcp", "udp", "udplite", "sctp", "dccp", "icmp", "multiport", "esp", "ah", "length", "ttl", "tos", "dscp", "tcpmss",
		"limit", "hashlimit", "connlimit", "statistic", "conntrack", "state", "policy", "time", "u32", "bpf", "string":
		return some
	}
	// Others, as "set", are not known here; "owner" is never a pod's packet.
	return none
}

// markMatches reads struct xt_mark_mtinfo1 and xt_connmark_mtinfo1: value, mask, inverted.
func markMatches(revision uint32, info []byte, mark uint32) extent {
	if revision != 1 || len(info) < 9 {
		return none
	}
	equal := mark&native(info[4:]) == native(info)
	return whether(equal == (info[8] == 0))
}

// addressTypeMatches reads struct xt_addrtype_info_v1: source, destination, flags. Both
// are addresses of others.
func addressTypeMatches(revision uint32, info []byte) extent {
	const invertSource, invertDestination, unicast = 1, 2, 1 << unix.RTN_UNICAST
	if revision != 1 || len(info) < 8 {
		return none
	}
	source, destination, flags := binary.NativeEndian.Uint16(info), binary.NativeEndian.Uint16(info[2:]), native(info[4:])
	matches := func(types uint16, invert uint32) bool {
		return types == 0 || (types&unicast != 0) != (flags&invert != 0)
	}
	return whether(matches(source, invertSource) && matches(destination, invertDestination))
}

// xtTarget does what a target does.
func (m *machine) xtTarget(e expression) {
	switch name, revision, info := e.extension(); {
	case name == "MASQUERADE" || name == "SNAT" || name == "NETMAP":
		m.translates = true
	case name == "MARK" && revision == 2 && len(info) >= 8 && m.share == all:
		// struct xt_mark_tginfo2
		m.packet.mark = m.packet.mark&^native(info[4:]) ^ native(info)
	}
}

package dataplane

import (
	"net/netip"
	"strings"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// guess returns what the first of the kernel's expressions may make up. It looks at no
// more than it has to: whoever calls it proves the guess.
func guess(held []heldExpression, interfaces map[string][]string) nft.Expr {
	first, second, third := held[0], heldExpression{}, heldExpression{}
	if len(held) > 1 {
		second = held[1]
	}
	if len(held) > 2 {
		third = held[2]
	}
	switch first.kind {
	case "meta":
		switch expr.MetaKey(first.number(unix.NFTA_META_KEY)) {
		case expr.MetaKeyIIFNAME:
			return guessInterface(second, interfaces)
		case expr.MetaKeyOIFNAME:
			return nft.OutputInterface(guessInterface(second, interfaces))
		case expr.MetaKeyMARK:
			return guessMark(nft.PacketMark, second)
		}
	case "ct":
		switch expr.CtKey(first.number(unix.NFTA_CT_KEY)) {
		case expr.CtKeySTATUS:
			return nft.Confirmed{Not: third.number(unix.NFTA_CMP_OP) == unix.NFT_CMP_NEQ}
		case expr.CtKeyDIRECTION:
			return nft.OriginalDirection{}
		case expr.CtKeyMARK:
			return guessMark(nft.ConnectionMark, second)
		}
	case "objref":
		return nft.Counter{Name: first.text(unix.NFTA_OBJREF_IMM_NAME)}
	case "fib":
		return nft.DestinationLocal{}
	case "payload":
		address := nft.DestinationAddress
		if first.number(unix.NFTA_PAYLOAD_OFFSET) == sourceOffset {
			address = nft.SourceAddress
		}
		if kind, ports := guessNAT(third); third.kind == "nat" && second.number(unix.NFTA_LOOKUP_DREG) == register {
			return nft.MapNAT{Kind: kind, Address: address, Map: second.set(), Ports: ports}
		}
		return nft.Lookup{Address: address, Map: second.set()}
	case "immediate":
		if second.kind == "nat" {
			kind, ports := guessNAT(second)
			to, _ := netip.AddrFromSlice(first.data(unix.NFTA_IMMEDIATE_DATA))
			return nft.NAT{Kind: kind, To: to, Ports: ports}
		}
		return guessVerdict(first)
	}
	return nft.Unknown{}
}

// guessInterface reads the patterns from the comparison, or the lookup, behind the
// loading of the name.
func guessInterface(match heldExpression, interfaces map[string][]string) nft.InputInterface {
	if match.kind == "lookup" {
		return nft.InputInterface{
			Patterns: interfaces[match.set()],
			Not:      match.number(unix.NFTA_LOOKUP_FLAGS) == unix.NFT_LOOKUP_F_INV,
		}
	}
	value := string(match.data(unix.NFTA_CMP_DATA))
	pattern := strings.TrimRight(value, "\x00")
	if len(value) < unix.IFNAMSIZ {
		pattern += "*"
	}
	return nft.InputInterface{Patterns: []string{pattern}, Not: match.number(unix.NFTA_CMP_OP) == unix.NFT_CMP_NEQ}
}

func guessMark(mark nft.Mark, change heldExpression) nft.Expr {
	mask, xor := change.data(unix.NFTA_BITWISE_MASK), change.data(unix.NFTA_BITWISE_XOR)
	if len(mask) != 4 || len(xor) != 4 {
		return nft.Unknown{}
	}
	if bits := binaryutil.NativeEndian.Uint32(xor); bits != 0 {
		return nft.SetMark{Mark: mark, Mask: bits}
	}
	return nft.MarkIsSet{Mark: mark, Mask: binaryutil.NativeEndian.Uint32(mask)}
}

func guessNAT(statement heldExpression) (kind string, ports nft.PortChoice) {
	kind, flags := "snat", statement.number(unix.NFTA_NAT_FLAGS)
	if statement.number(unix.NFTA_NAT_TYPE) == unix.NFT_NAT_DNAT {
		kind = "dnat"
	}
	switch {
	case flags&unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY != 0:
		ports = nft.PortsFullyRandom
	case flags&unix.NF_NAT_RANGE_PROTO_RANDOM != 0:
		ports = nft.PortsRandom
	}
	return kind, ports
}

func guessVerdict(immediate heldExpression) nft.Expr {
	return decodeVerdict(immediate.nested(unix.NFTA_IMMEDIATE_DATA)[unix.NFTA_DATA_VERDICT])
}

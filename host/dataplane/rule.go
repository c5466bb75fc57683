package dataplane

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/rules/nft"
)

// Where addresses are in an IPv4 header, and how long they are, in bytes.
const (
	sourceOffset      = 12
	destinationOffset = 16
	addressLength     = 4
)

// statusConfirmed is IPS_CONFIRMED of linux/netfilter/nf_conntrack_common.h.
const statusConfirmed = 1 << 3

// directionOriginal is IP_CT_DIR_ORIGINAL of linux/netfilter/nf_conntrack_tuple_common.h.
const directionOriginal = 0

// register carries a value from one expression to the next. One is enough:
// every expression here ends with its use.
const register = unix.NFT_REG_1

func (t *transaction) addRule(op nft.AddRule) error {
	rule := &nftables.Rule{Table: table(op.Table), Chain: chain(op.Table, op.Chain)}
	for _, e := range op.Rule {
		var encoded []expr.Any
		var err error
		switch e := e.(type) {
		case nft.InputInterface:
			encoded, err = t.matchInterface(op, expr.MetaKeyIIFNAME, e)
		case nft.OutputInterface:
			encoded, err = t.matchInterface(op, expr.MetaKeyOIFNAME, nft.InputInterface(e))
		default:
			encoded, err = expressions(e)
		}
		if err != nil {
			return err
		}
		rule.Exprs = append(rule.Exprs, encoded...)
	}
	t.one(op, func(c *nftables.Conn) { c.AddRule(rule) })
	return nil
}

// expressions encodes what needs nothing but a rule to be in.
func expressions(e nft.Expr) ([]expr.Any, error) {
	switch e := e.(type) {
	case nft.Confirmed:
		compare := expr.CmpOpEq
		if e.Not {
			compare = expr.CmpOpNeq
		}
		return []expr.Any{
			&expr.Ct{Key: expr.CtKeySTATUS, Register: register},
			bitwise(statusConfirmed, 0),
			&expr.Cmp{Op: compare, Register: register, Data: number(statusConfirmed)},
		}, nil
	case nft.OriginalDirection:
		return []expr.Any{
			&expr.Ct{Key: expr.CtKeyDIRECTION, Register: register},
			&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: []byte{directionOriginal}},
		}, nil
	case nft.DestinationLocal:
		return []expr.Any{
			&expr.Fib{Register: register, FlagDADDR: true, ResultADDRTYPE: true},
			&expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: number(unix.RTN_LOCAL)},
		}, nil
	case nft.MarkIsSet:
		load, _, err := markAccess(e.Mark)
		if err != nil {
			return nil, err
		}
		return append([]expr.Any{load}, allBits(e.Mask)...), nil
	case nft.SetMark:
		load, store, err := markAccess(e.Mark)
		if err != nil {
			return nil, err
		}
		// mark = (mark & ^mask) ^ mask: no other bit changes.
		return []expr.Any{load, bitwise(^e.Mask, e.Mask), store}, nil
	case nft.Lookup:
		load, err := loadAddress(e.Address)
		if err != nil {
			return nil, err
		}
		return []expr.Any{load, &expr.Lookup{
			SourceRegister: register, SetName: e.Map, DestRegister: unix.NFT_REG_VERDICT, IsDestRegSet: true,
		}}, nil
	case nft.NAT:
		if !e.To.Is4() {
			return nil, fmt.Errorf("%s to %s: accepted is an IPv4 address", e.Kind, e.To)
		}
		statement, err := nat(e.Kind, e.Ports)
		return []expr.Any{&expr.Immediate{Register: register, Data: e.To.AsSlice()}, statement}, err
	case nft.MapNAT:
		return mapNAT(e)
	case nft.Counter:
		// As the kernel lists it; the library adds no end of its own.
		return []expr.Any{&expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: e.Name + "\x00"}}, nil
	case nft.Verdict:
		v, err := verdict(e)
		return []expr.Any{v}, err
	}
	return nil, fmt.Errorf("no encoding for %T", e)
}

func markAccess(m nft.Mark) (load, store expr.Any, err error) {
	switch m {
	case nft.ConnectionMark:
		return &expr.Ct{Key: expr.CtKeyMARK, Register: register},
			&expr.Ct{Key: expr.CtKeyMARK, Register: register, SourceRegister: true}, nil
	case nft.PacketMark:
		return &expr.Meta{Key: expr.MetaKeyMARK, Register: register},
			&expr.Meta{Key: expr.MetaKeyMARK, Register: register, SourceRegister: true}, nil
	}
	return nil, nil, fmt.Errorf("mark %q: accepted are %s and %s", m, nft.ConnectionMark, nft.PacketMark)
}

func loadAddress(a nft.Address) (expr.Any, error) {
	load := &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Len: addressLength}
	switch a {
	case nft.SourceAddress:
		load.Offset = sourceOffset
	case nft.DestinationAddress:
		load.Offset = destinationOffset
	default:
		return nil, fmt.Errorf("address %q: accepted are %s and %s", a, nft.SourceAddress, nft.DestinationAddress)
	}
	return load, nil
}

// mapNAT leaves the rule if the map holds nothing for the address.
func mapNAT(e nft.MapNAT) ([]expr.Any, error) {
	load, err := loadAddress(e.Address)
	if err != nil {
		return nil, err
	}
	lookup := &expr.Lookup{SourceRegister: register, SetName: e.Map, DestRegister: register, IsDestRegSet: true}
	statement, err := nat(e.Kind, e.Ports)
	return []expr.Any{load, lookup, statement}, err
}

// nat translates to the address in the register.
func nat(kind string, ports nft.PortChoice) (expr.Any, error) {
	statement := &expr.NAT{Family: unix.NFPROTO_IPV4, RegAddrMin: register}
	switch kind {
	case "snat":
		statement.Type = expr.NATTypeSourceNAT
	case "dnat":
		statement.Type = expr.NATTypeDestNAT
	default:
		return nil, fmt.Errorf("address translation %q: accepted are snat and dnat", kind)
	}
	switch ports {
	case nft.PortsKeep:
	case nft.PortsRandom:
		statement.Random = true
	case nft.PortsFullyRandom:
		statement.FullyRandom = true
	default:
		return nil, fmt.Errorf("port choice %q: accepted are nothing, %s and %s", ports, nft.PortsRandom, nft.PortsFullyRandom)
	}
	return statement, nil
}

// allBits matches if all bits of mask are set in the register.
func allBits(mask uint32) []expr.Any {
	return []expr.Any{bitwise(mask, 0), &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: number(mask)}}
}

// bitwise computes (register & mask) ^ xor.
func bitwise(mask, xor uint32) expr.Any {
	return &expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 4, Mask: number(mask), Xor: number(xor)}
}

// number encodes a value that the kernel keeps in its own byte order.
func number(v uint32) []byte { return binaryutil.NativeEndian.PutUint32(v) }

package dataplane

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// heldExpression is one of the kernel's expressions: what it is, and its attributes.
type heldExpression struct {
	kind string
	attributes
}

func decodeExpression(data []byte) heldExpression {
	e := parse(data)
	return heldExpression{e.text(unix.NFTA_EXPR_NAME), e.nested(unix.NFTA_EXPR_DATA)}
}

// String is for people, and tells expressions apart.
func (e heldExpression) String() string {
	text := e.kind
	for _, attribute := range slices.Sorted(maps.Keys(e.attributes)) {
		text += fmt.Sprintf(" %d:%x", attribute, e.attributes[attribute])
	}
	return text
}

// is says whether the kernel makes e of what is sent to it. It adds attributes that
// were left out: zero, or for translation what follows from the others.
func (e heldExpression) is(sent heldExpression) bool {
	if e.kind != sent.kind {
		return false
	}
	for attribute, value := range sent.attributes {
		if e.kind == "lookup" && attribute == unix.NFTA_LOOKUP_SET_ID {
			continue // a set's number in a transaction
		}
		if !sameValue(e.kind, attribute, e.attributes[attribute], value) {
			return false
		}
	}
	for attribute, value := range e.attributes {
		if sent.attributes[attribute] == nil && !e.implied(attribute, value) {
			return false
		}
	}
	return true
}

// natRangeIPs is NF_NAT_RANGE_MAP_IPS of linux/netfilter/nf_nat.h: that there is an
// address to translate to.
const natRangeIPs = 1

func (e heldExpression) implied(attribute uint16, value []byte) bool {
	if e.kind == "nat" {
		switch attribute {
		case unix.NFTA_NAT_REG_ADDR_MAX:
			return bytes.Equal(value, e.attributes[unix.NFTA_NAT_REG_ADDR_MIN])
		case unix.NFTA_NAT_FLAGS:
			return bigEndian(value)&^natRangeIPs == 0
		}
	}
	return strings.Trim(string(value), "\x00") == ""
}

func sameValue(kind string, attribute uint16, held, sent []byte) bool {
	switch {
	case held == nil:
		return false
	case kind == "nat" && attribute == unix.NFTA_NAT_FLAGS:
		return bigEndian(held)&^natRangeIPs == bigEndian(sent)
	case bytes.Equal(held, sent):
		return true
	}
	return isNested(kind, attribute) && sameNested(held, sent)
}

// isNested says which attributes hold attributes. Some kernels flag them, some not.
func isNested(kind string, attribute uint16) bool {
	switch kind {
	case "bitwise":
		return attribute == unix.NFTA_BITWISE_MASK || attribute == unix.NFTA_BITWISE_XOR
	case "cmp":
		return attribute == unix.NFTA_CMP_DATA
	case "immediate":
		return attribute == unix.NFTA_IMMEDIATE_DATA
	}
	return false
}

// sameNested compares what an nft_data_attributes holds: a value or a verdict.
func sameNested(held, sent []byte) bool {
	return maps.EqualFunc(parse(held), parse(sent), bytes.Equal) || sameVerdict(held, sent)
}

func sameVerdict(held, sent []byte) bool {
	h, s := parse(held)[unix.NFTA_DATA_VERDICT], parse(sent)[unix.NFTA_DATA_VERDICT]
	return h != nil && s != nil && decodeVerdict(h) == decodeVerdict(s)
}

// The values by which guess tells what an expression may be.

func (e heldExpression) set() string { return e.text(unix.NFTA_LOOKUP_SET) }

// data is the value in an nft_data_attributes.
func (e heldExpression) data(kind uint16) []byte { return e.nested(kind)[unix.NFTA_DATA_VALUE] }

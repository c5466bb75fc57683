package neighbour

import (
	"math"
	"strings"

	"golang.org/x/sys/unix"
)

// marking finds the rules that set a bit in the mark of a packet or of a connection. The
// AWS plugin's are no danger, for they mean the same as snatd's: they bear a comment.
func (s *ruleset) marking(bit uint32) []Finding {
	var findings []Finding
	for _, c := range s.chains {
		if !c.table.ipv4() || c.table == awsMarks {
			continue
		}
		var setting []*rule
		for _, r := range c.rules {
			if !r.fromAWS() && r.sets(bit) {
				setting = append(setting, r)
			}
		}
		if len(setting) > 0 {
			findings = append(findings, setsMark(setting, bit))
		}
	}
	return findings
}

func (r *rule) fromAWS() bool {
	for _, e := range r.expressions {
		if name, _, info := e.extension(); e.name == "match" && name == "comment" && strings.HasPrefix(text(info), "AWS") {
			return true
		}
	}
	return false
}

// claim is what a rule does to a mark.
type claim struct {
	bits  uint32 // that it may set
	field uint32 // that it writes
}

// takes tells that a bit is in use by who makes the claim: set, or in a field that
// leaves other bits to others. Who writes all bits may not know that there are others.
func (c claim) takes(bit uint32) bool {
	return c.bits&bit != 0 || c.field&bit != 0 && c.field != math.MaxUint32
}

// sets tells that the rule sets a bit in a mark. One mark that is copied to the other is
// not set.
func (r *rule) sets(bit uint32) bool {
	registers := map[uint32]written{}
	for _, e := range r.expressions {
		switch e.name {
		case "immediate":
			bits := native(e.data(unix.NFTA_IMMEDIATE_DATA))
			registers[e.number(unix.NFTA_IMMEDIATE_DREG)] = written{claim: claim{bits, math.MaxUint32}}
		case "bitwise":
			// (mark & mask) ^ xor, of a mark that was loaded
			mask, xor := native(e.data(unix.NFTA_BITWISE_MASK)), native(e.data(unix.NFTA_BITWISE_XOR))
			w := registers[e.number(unix.NFTA_BITWISE_SREG)]
			w.claim = claim{w.bits&mask | xor, w.field | ^mask | xor}
			registers[e.number(unix.NFTA_BITWISE_DREG)] = w
		case "meta", "ct":
			// Both have the same numbers for the same attributes, but these.
			to, from, mark := e.number(unix.NFTA_META_DREG), e.number(unix.NFTA_META_SREG), uint32(unix.NFT_META_MARK)
			if e.name == "ct" {
				from, mark = e.number(unix.NFTA_CT_SREG), unix.NFT_CT_MARK
			}
			if to != 0 {
				registers[to] = written{of: e.name}
			} else if e.number(unix.NFTA_META_KEY) == mark && registers[from].to(e.name).takes(bit) {
				return true
			}
		case "target":
			if e.xtClaim().takes(bit) {
				return true
			}
		}
	}
	return false
}

// written is what a register holds: a mark, "meta" or "ct", with what is done to it.
type written struct {
	claim
	of string
}

// to is the claim if the register is stored in a mark. Of another mark it is all of it.
func (w written) to(mark string) claim {
	if w.of != mark {
		w.field = math.MaxUint32
	}
	return w.claim
}

// xtClaim is what the targets MARK and CONNMARK do, from struct xt_mark_tginfo2 and
// xt_connmark_tginfo1 and 2.
func (e expression) xtClaim() claim {
	switch name, revision, info := e.extension(); {
	case name == "MARK" && revision == 2 && len(info) >= 8:
		return claim{native(info), native(info[4:]) | native(info)}
	case name == "CONNMARK" && revision == 1 && len(info) >= 13:
		return connmarkClaim(info, info[12], 0)
	case name == "CONNMARK" && revision == 2 && len(info) >= 15:
		return connmarkClaim(info, info[14], info[13])
	}
	return claim{}
}

// connmarkClaim is what CONNMARK does: it sets the connection's mark, or copies a field
// of one mark to the other, where it may be shifted.
func connmarkClaim(info []byte, mode, shift byte) claim {
	const set, save = 0, 1
	bits, ofConnection, ofPacket := native(info), native(info[4:]), native(info[8:])
	switch {
	case mode == set:
		return claim{bits, ofConnection | bits}
	case mode == save:
		// Before snatd's rules packets have no bit yet, and connections would lose theirs.
		return claim{0, ofConnection}
	case shift != 0:
		return claim{0, ofConnection | ofPacket}
	}
	// A packet that gets the bit which its connection has is what snatd's rules make.
	return claim{0, ofConnection ^ ofPacket}
}

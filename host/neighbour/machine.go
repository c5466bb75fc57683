package neighbour

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// machine is a rule at work on a packet.
type machine struct {
	*walk
	table      tableID
	registers  registers
	share      extent // which the rule still is for
	translates bool
}

// step does an expression. decided is that the rule ends with the verdict.
func (m *machine) step(e expression) (v verdict, decided bool) {
	switch e.name {
	case "counter", "log", "objref", "dynset", "last":
	case "limit", "quota", "connlimit":
		m.match(some)
	case "meta":
		m.access(e.number(unix.NFTA_META_DREG), e.number(unix.NFTA_META_SREG), unix.NFT_META_MARK,
			e.number(unix.NFTA_META_KEY), m.packet.meta, &m.packet.mark)
	case "ct":
		m.access(e.number(unix.NFTA_CT_DREG), e.number(unix.NFTA_CT_SREG), unix.NFT_CT_MARK,
			e.number(unix.NFTA_CT_KEY), m.packet.ct, &m.packet.connection)
	case "payload":
		if register := e.number(unix.NFTA_PAYLOAD_DREG); register != 0 {
			m.registers.store(register, m.packet.payload(
				int(e.number(unix.NFTA_PAYLOAD_BASE)), int(e.number(unix.NFTA_PAYLOAD_OFFSET)), int(e.number(unix.NFTA_PAYLOAD_LEN))))
		}
	case "fib":
		m.registers.store(e.number(unix.NFTA_FIB_DREG), m.packet.fib(e.number(unix.NFTA_FIB_RESULT)))
	case "bitwise":
		m.bitwise(e)
	case "cmp":
		m.compare(e)
	case "range":
		m.inRange(e)
	case "lookup":
		return m.lookup(e)
	case "immediate":
		return m.immediate(e)
	case "match":
		m.match(m.packet.xtMatch(e))
	case "target":
		m.xtTarget(e)
	case "masq":
		m.translates = true
	case "nat":
		m.translates = e.number(unix.NFTA_NAT_TYPE) == unix.NFT_NAT_SNAT
	default:
		// Without knowing what it matches or does, nothing is said of the rule.
		m.match(none)
	}
	return verdict{}, false
}

// match narrows the share of the packets that the rule is for.
func (m *machine) match(e extent) { m.share = min(m.share, e) }

// access loads a value into a register, or sets a mark from one. Marks that are set for
// a part of the packets stay as they are for the others.
func (m *machine) access(to, from, markKey, key uint32, load func(uint32) value, mark *uint32) {
	if to != 0 {
		m.registers.store(to, load(key))
		return
	}
	if v := m.registers.load(from, cellSize); key == markKey && v.sure() == known && m.share == all {
		*mark = native(v.bytes(cellSize))
	}
}

func (m *machine) bitwise(e expression) {
	length := int(e.number(unix.NFTA_BITWISE_LEN))
	v := m.registers.load(e.number(unix.NFTA_BITWISE_SREG), length)
	mask, xor := e.data(unix.NFTA_BITWISE_MASK), e.data(unix.NFTA_BITWISE_XOR)
	if len(mask) != length || len(xor) != length { // a shift, or two registers
		v = uniform(unclear, length)
	}
	for i, c := range v {
		switch c.sure {
		case known:
			for j := i * cellSize; j < min((i+1)*cellSize, length); j++ {
				v[i].bytes[j%cellSize] = c.bytes[j%cellSize]&mask[j] ^ xor[j]
			}
		case away: // not an address any more
			v[i].sure = free
		}
	}
	m.registers.store(e.number(unix.NFTA_BITWISE_DREG), v)
}

func (m *machine) compare(e expression) {
	with := e.data(unix.NFTA_CMP_DATA)
	v := m.registers.load(e.number(unix.NFTA_CMP_SREG), len(with))
	equal := m.packet.within(v, with, with)
	op := e.number(unix.NFTA_CMP_OP)
	switch {
	case v.sure() == unclear:
		m.match(none)
		return
	case op == unix.NFT_CMP_EQ:
		m.match(equal)
		return
	case op == unix.NFT_CMP_NEQ:
		m.match(equal.not())
		return
	case v.sure() != known:
		m.match(some)
		return
	}
	m.match(whether(compares(op, bytes.Compare(v.bytes(len(with)), with))))
}

// compares tells that a comparison holds for values in that order.
func compares(op uint32, order int) bool {
	switch op {
	case unix.NFT_CMP_EQ:
		return order == 0
	case unix.NFT_CMP_NEQ:
		return order != 0
	case unix.NFT_CMP_LT:
		return order < 0
	case unix.NFT_CMP_LTE:
		return order <= 0
	case unix.NFT_CMP_GT:
		return order > 0
	case unix.NFT_CMP_GTE:
		return order >= 0
	}
	return false
}

func (m *machine) inRange(e expression) {
	length := len(e.data(unix.NFTA_RANGE_FROM_DATA))
	v := m.registers.load(e.number(unix.NFTA_RANGE_SREG), length)
	switch v.sure() {
	case known:
		m.match(whether(e.ranges(v.bytes(length))))
	case unclear:
		m.match(none)
	default:
		m.match(some)
	}
}

// ranges tells that a value is in the range of the expression, or outside of one that is
// inverted.
func (e expression) ranges(b []byte) bool {
	first, last := e.data(unix.NFTA_RANGE_FROM_DATA), e.data(unix.NFTA_RANGE_TO_DATA)
	inside := bytes.Compare(first, b) <= 0 && bytes.Compare(b, last) <= 0
	return inside == (e.number(unix.NFTA_RANGE_OP) == unix.NFT_RANGE_EQ)
}

// lookup searches a set, or a map of verdicts or of values.
func (m *machine) lookup(e expression) (v verdict, decided bool) {
	elements, err := m.rules.elements(setID{m.table, e.text(unix.NFTA_LOOKUP_SET)})
	if err != nil {
		m.err = err
		m.match(none)
		return verdict{}, false
	}
	var key value
	var found element
	share := none
	if len(elements) > 0 {
		key = m.registers.load(e.number(unix.NFTA_LOOKUP_SREG), len(elements[0].key))
		found, share = m.packet.find(elements, key)
	}
	if e.number(unix.NFTA_LOOKUP_FLAGS)&unix.NFT_LOOKUP_F_INV != 0 && key.sure() != unclear {
		share = share.not()
	}
	m.match(share)
	isMap := e.get(unix.NFTA_LOOKUP_DREG) != nil
	switch register := e.number(unix.NFTA_LOOKUP_DREG); {
	case !isMap || share == none:
		return verdict{}, false
	case register != unix.NFT_REG_VERDICT:
		m.registers.store(register, uniform(unclear, len(registers{})*cellSize))
		return verdict{}, false
	case share == all:
		return found.verdict, true
	}
	return verdict{}, false // some go each of the ways, which are not followed
}

func (m *machine) immediate(e expression) (v verdict, decided bool) {
	if register := e.number(unix.NFTA_IMMEDIATE_DREG); register != unix.NFT_REG_VERDICT {
		data := e.data(unix.NFTA_IMMEDIATE_DATA)
		m.registers.store(register, valueOf(data))
		return verdict{}, false
	}
	return verdictOf(e.in(unix.NFTA_IMMEDIATE_DATA)), true
}

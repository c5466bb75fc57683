package neighbour

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Endpoints are where others' rules send connections to an address instead.
type Endpoints struct {
	// Addresses are those that the rules name, ascending.
	Addresses []netip.Addr
	// Untold says that connections may go elsewhere, and why that cannot be told; empty if
	// they do not.
	Untold string
}

// LookEndpoints finds in the rules of nf_tables where new connections from pods to an
// address are sent by DNAT: as kube-proxy writes it with iptables-nft and with nftables, and
// whoever else matches the destination, by a rule or in a set. What else rules match,
// such as ports and protocols, counts as if the connection had it. Rules that rewrite
// whatever the destination is are not looked for, nor what iptables-legacy made, nor programs.
func LookEndpoints(to netip.Addr) (Endpoints, error) {
	k, err := dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return Endpoints{}, explain("read the rules", err)
	}
	defer k.close()
	rules, err := read(k)
	if err != nil {
		return Endpoints{}, explain("read the rules", err)
	}
	w := redirects{rules: rules, to: to, found: map[netip.Addr]bool{}, seen: map[place]bool{}}
	for _, c := range rules.chains {
		if c.kind == "nat" && c.hook == unix.NF_INET_PRE_ROUTING && c.table.ipv4() {
			w.chain(c, false)
		}
	}
	if w.err != nil {
		return Endpoints{}, explain("read the rules", w.err)
	}
	out := Endpoints{Untold: w.untold}
	for a := range w.found {
		out.Addresses = append(out.Addresses, a)
	}
	slices.SortFunc(out.Addresses, netip.Addr.Compare)
	if legacy, err := os.ReadFile(legacyNames); err == nil && slices.Contains(strings.Fields(string(legacy)), "nat") {
		out.Untold = cmp.Or(out.Untold, "the nat table of iptables-legacy is not followed")
	}
	return out, nil
}

// redirects looks for the rules that rewrite a destination.
type redirects struct {
	rules  *ruleset
	to     netip.Addr
	found  map[netip.Addr]bool
	untold string
	seen   map[place]bool
	err    error
}

// place is a chain, and whether the destination was matched on the way there.
type place struct {
	chainID
	matched bool
}

func (w *redirects) chain(c *chain, matched bool) {
	if at := (place{c.chainID, matched}); !w.seen[at] {
		w.seen[at] = true
		for _, r := range c.rules {
			w.rule(r, matched)
		}
	}
}

func (w *redirects) follow(table tableID, v verdict, matched bool) {
	if next := w.rules.byID[chainID{table, v.chain}]; v.chain != "" && next != nil {
		w.chain(next, matched)
	}
}

// destinationWay is a connection's way through the expressions of a rule. Of what registers
// hold, the destination and constants are known, and all else is as some connections have it.
type destinationWay struct {
	*redirects
	rule      *rule
	registers registers
	matched   bool // by the destination
}

func (w *redirects) rule(r *rule, matched bool) {
	m := &destinationWay{redirects: w, rule: r, matched: matched}
	m.registers.store(unix.NFT_REG32_00, uniform(free, len(m.registers)*cellSize))
	for _, e := range r.expressions {
		if goesOn := m.step(e); !goesOn {
			return
		}
	}
}

// Where the destination address is in an IPv4 header.
const destinationOffset, addressSize = sourceEnd, destinationEnd - sourceEnd

// step does an expression. It returns whether the connection meets the next.
func (m *destinationWay) step(e expression) bool {
	switch e.name {
	case "payload":
		m.registers.store(e.number(unix.NFTA_PAYLOAD_DREG), m.payload(e))
	case "meta", "ct", "fib", "numgen", "rt":
		m.registers.store(e.number(unix.NFTA_META_DREG), uniform(free, addressSize)) // the attribute's number is the same in each
	case "bitwise":
		m.registers.store(e.number(unix.NFTA_BITWISE_DREG), m.masked(e))
	case "cmp":
		return m.compare(e)
	case "range":
		return m.inRange(e)
	case "lookup":
		return m.lookup(e)
	case "immediate":
		if register := e.number(unix.NFTA_IMMEDIATE_DREG); register != unix.NFT_REG_VERDICT {
			m.registers.store(register, valueOf(e.data(unix.NFTA_IMMEDIATE_DATA)))
			return true
		}
		m.follow(m.rule.chain.table, verdictOf(e.in(unix.NFTA_IMMEDIATE_DATA)), m.matched)
		return false
	case "nat":
		if m.matched && e.number(unix.NFTA_NAT_TYPE) == unix.NFT_NAT_DNAT {
			m.sendTo(m.registers.load(e.number(unix.NFTA_NAT_REG_ADDR_MIN), addressSize))
		}
		return false
	case "target":
		if name, _, info := e.extension(); name == "DNAT" && m.matched {
			m.send(m.rule, xtAddress(e.number(unix.NFTA_TARGET_REV), info))
		}
	case "redir":
		if m.matched {
			m.tellNot(m.rule, "redirects to the node itself")
		}
		return false
	}
	return true
}

// payload is known of the destination, or of its first bytes.
func (m *destinationWay) payload(e expression) value {
	length := int(e.number(unix.NFTA_PAYLOAD_LEN))
	if e.number(unix.NFTA_PAYLOAD_BASE) == unix.NFT_PAYLOAD_NETWORK_HEADER &&
		e.number(unix.NFTA_PAYLOAD_OFFSET) == destinationOffset && length <= addressSize {
		return valueOf(m.to.AsSlice()[:length])
	}
	return uniform(free, length)
}

// masked is a value under a mask, as of a network.
func (m *destinationWay) masked(e expression) value {
	v := m.registers.load(e.number(unix.NFTA_BITWISE_SREG), int(e.number(unix.NFTA_BITWISE_LEN)))
	mask := e.data(unix.NFTA_BITWISE_MASK)
	if v.sure() != known || len(v) != 1 || len(mask) > cellSize {
		return uniform(free, len(v)*cellSize)
	}
	for i := range mask {
		v[0].bytes[i] &= mask[i]
	}
	return v
}

func (m *destinationWay) compare(e expression) bool {
	with := e.data(unix.NFTA_CMP_DATA)
	v := m.registers.load(e.number(unix.NFTA_CMP_SREG), len(with))
	if v.sure() != known {
		return true
	}
	op := e.number(unix.NFTA_CMP_OP)
	m.matched = m.matched || op != unix.NFT_CMP_NEQ
	return compares(op, bytes.Compare(v.bytes(len(with)), with))
}

func (m *destinationWay) inRange(e expression) bool {
	length := len(e.data(unix.NFTA_RANGE_FROM_DATA))
	v := m.registers.load(e.number(unix.NFTA_RANGE_SREG), length)
	if v.sure() != known {
		return true
	}
	m.matched = m.matched || e.number(unix.NFTA_RANGE_OP) == unix.NFT_RANGE_EQ
	return e.ranges(v.bytes(length))
}

// lookup follows what a set or a map holds for the destination; for other values, all that
// it holds.
func (m *destinationWay) lookup(e expression) bool {
	elements, err := m.rules.elements(setID{m.rule.chain.table, e.text(unix.NFTA_LOOKUP_SET)})
	if err != nil {
		m.err = err
		return false
	}
	if len(elements) == 0 {
		return e.number(unix.NFTA_LOOKUP_FLAGS)&unix.NFT_LOOKUP_F_INV != 0
	}
	key := m.registers.load(e.number(unix.NFTA_LOOKUP_SREG), len(elements[0].key))
	ofDestination := key[0].sure == known
	if ofDestination {
		elements = m.holding(elements, key)
	}
	if e.number(unix.NFTA_LOOKUP_FLAGS)&unix.NFT_LOOKUP_F_INV != 0 {
		return !ofDestination || len(elements) == 0
	}
	m.matched = m.matched || ofDestination && len(elements) > 0
	switch register := e.number(unix.NFTA_LOOKUP_DREG); {
	case e.get(unix.NFTA_LOOKUP_DREG) == nil:
	case register == unix.NFT_REG_VERDICT:
		for _, element := range elements {
			m.follow(m.rule.chain.table, element.verdict, m.matched)
		}
	default: // to what it maps is not read here
		m.registers.store(register, uniform(free, len(m.registers)*cellSize))
	}
	return !ofDestination || len(elements) > 0
}

// holding are the elements that the destination is in, whatever else is in the key.
func (m *destinationWay) holding(elements []element, key value) (all []element) {
	if slices.ContainsFunc(elements, func(e element) bool { return e.end }) {
		if e, ok := findInterval(elements, key.bytes(len(elements[0].key))); ok {
			all = append(all, e)
		}
		return all
	}
	for _, e := range elements {
		last := e.keyEnd
		if last == nil {
			last = e.key
		}
		if (&packet{}).within(key, e.key, last) != none {
			all = append(all, e)
		}
	}
	return all
}

// sendTo is send to what a register holds.
func (m *destinationWay) sendTo(v value) {
	if v.sure() != known {
		m.send(m.rule, nil)
		return
	}
	m.send(m.rule, v.bytes(addressSize))
}

func (w *redirects) send(r *rule, address []byte) {
	if a, ok := netip.AddrFromSlice(address); ok && a.Is4() {
		w.found[a] = true
		return
	}
	w.tellNot(r, "sends connections to where cannot be told")
}

func (w *redirects) tellNot(r *rule, what string) {
	w.untold = fmt.Sprintf("rule %d of chain %s %s", r.position, r.chain, what)
}

// xtAddress is the first address of struct nf_nat_range and nf_nat_range2, in which flags
// come first, or in revision 0 of nf_nat_ipv4_multi_range_compat.
func xtAddress(revision uint32, info []byte) []byte {
	const flags, multi = 4, 8
	switch {
	case revision == 0 && len(info) >= multi+addressSize:
		return info[multi:][:addressSize]
	case revision > 0 && len(info) >= flags+addressSize:
		return info[flags:][:addressSize]
	}
	return nil
}

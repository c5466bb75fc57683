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
	if legacy, err := os.ReadFile("/proc/net/ip_tables_names"); err == nil && slices.Contains(strings.Fields(string(legacy)), "nat") {
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

// content is what a register holds as far as that matters here: the destination, which
// other values may stand behind, or an address to send to, or anything.
type content struct {
	bytes       []byte
	destination bool
}

// Where the destination address is in an IPv4 header.
const destinationOffset, addressSize = 16, 4

func (w *redirects) rule(r *rule, matched bool) {
	registers := map[uint32]content{}
	for _, e := range r.expressions {
		switch e.name {
		case "payload":
			c := content{}
			if e.number(unix.NFTA_PAYLOAD_BASE) == unix.NFT_PAYLOAD_NETWORK_HEADER &&
				e.number(unix.NFTA_PAYLOAD_OFFSET) == destinationOffset && e.number(unix.NFTA_PAYLOAD_LEN) <= addressSize {
				c = content{w.to.AsSlice()[:e.number(unix.NFTA_PAYLOAD_LEN)], true}
			}
			registers[firstCell(e.number(unix.NFTA_PAYLOAD_DREG))] = c
		case "bitwise":
			c, mask := registers[firstCell(e.number(unix.NFTA_BITWISE_SREG))], e.data(unix.NFTA_BITWISE_MASK)
			if c.destination && len(mask) == len(c.bytes) {
				masked := slices.Clone(c.bytes)
				for i := range masked {
					masked[i] &= mask[i]
				}
				c.bytes = masked
			} else {
				c = content{}
			}
			registers[firstCell(e.number(unix.NFTA_BITWISE_DREG))] = c
		case "cmp":
			c, with := registers[firstCell(e.number(unix.NFTA_CMP_SREG))], e.data(unix.NFTA_CMP_DATA)
			if !c.destination || len(with) > len(c.bytes) {
				continue
			}
			equal, wanted := bytes.Equal(c.bytes[:len(with)], with), e.number(unix.NFTA_CMP_OP) == unix.NFT_CMP_EQ
			if equal != wanted {
				return
			}
			matched = matched || equal
		case "lookup":
			goesOn, found := w.lookup(r, e, registers, matched)
			if !goesOn {
				return
			}
			matched = matched || found
		case "immediate":
			if register := e.number(unix.NFTA_IMMEDIATE_DREG); register != unix.NFT_REG_VERDICT {
				registers[firstCell(register)] = content{bytes: e.data(unix.NFTA_IMMEDIATE_DATA)}
				continue
			}
			w.follow(r.chain.table, verdictOf(e.in(unix.NFTA_IMMEDIATE_DATA)), matched)
			return
		case "nat":
			if matched && e.number(unix.NFTA_NAT_TYPE) == unix.NFT_NAT_DNAT {
				w.send(r, registers[firstCell(e.number(unix.NFTA_NAT_REG_ADDR_MIN))].bytes)
			}
			return
		case "target":
			if name, _, info := e.extension(); name == "DNAT" && matched {
				w.send(r, xtAddress(e.number(unix.NFTA_TARGET_REV), info))
			}
		case "redir":
			if matched {
				w.untold = fmt.Sprintf("%s redirects to the node itself", r)
			}
			return
		default:
			if register := e.number(unix.NFTA_META_DREG); e.name == "meta" || e.name == "numgen" {
				registers[firstCell(register)] = content{}
			}
		}
	}
}

// lookup follows what a set or a map holds for the destination; for other values, all that
// it holds.
func (w *redirects) lookup(r *rule, e expression, registers map[uint32]content, matched bool) (goesOn, found bool) {
	elements, err := w.rules.elements(setID{r.chain.table, e.text(unix.NFTA_LOOKUP_SET)})
	if err != nil {
		w.err = err
		return false, false
	}
	key := registers[firstCell(e.number(unix.NFTA_LOOKUP_SREG))]
	isMap := e.get(unix.NFTA_LOOKUP_DREG) != nil
	if !key.destination {
		if isMap && e.number(unix.NFTA_LOOKUP_DREG) == unix.NFT_REG_VERDICT {
			for _, element := range elements {
				w.follow(r.chain.table, element.verdict, matched)
			}
		}
		return true, false
	}
	holding := holding(elements, key.bytes)
	inverted := e.number(unix.NFTA_LOOKUP_FLAGS)&unix.NFT_LOOKUP_F_INV != 0
	if inverted || len(holding) == 0 {
		return inverted == (len(holding) == 0), false
	}
	if isMap {
		if register := e.number(unix.NFTA_LOOKUP_DREG); register == unix.NFT_REG_VERDICT {
			for _, element := range holding {
				w.follow(r.chain.table, element.verdict, true)
			}
		} else {
			registers[firstCell(register)] = content{} // to what it maps is not read here
		}
	}
	return true, true
}

// holding are the elements whose key begins with an address, or is a range around it.
func holding(elements []element, address []byte) (all []element) {
	for _, e := range elements {
		if len(e.key) > len(address) && !e.end && (bytes.HasPrefix(e.key, address) ||
			len(e.keyEnd) == len(e.key) && between(e.key[:len(address)], e.keyEnd[:len(address)], address)) {
			all = append(all, e)
		}
	}
	if e, ok := find(elements, address); ok {
		all = append(all, e)
	}
	return all
}

func (w *redirects) send(r *rule, address []byte) {
	if a, ok := netip.AddrFromSlice(address); ok && a.Is4() {
		w.found[a] = true
		return
	}
	w.untold = fmt.Sprintf("%s sends connections to where cannot be told", r)
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

// firstCell is the number of a register of 4 bytes, by which those of 16 bytes have a second
// name.
func firstCell(register uint32) uint32 {
	if register >= unix.NFT_REG32_00 {
		return register
	}
	return unix.NFT_REG32_00 + 4*(register-1)
}

package neighbour

import (
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/attribute"
	"github.com/snatd/snatd/rules"
)

// ruleset is what nf_tables holds, without snatd's table.
type ruleset struct {
	kernel *kernel
	tables []tableID
	chains []*chain // in the kernel's order
	byID   map[chainID]*chain
	sets   map[setID][]element // those that were asked for
}

type tableID struct {
	family uint8
	name   string
}

type chainID struct {
	table tableID
	name  string
}

type chain struct {
	chainID
	kind     string // filter, nat or route; empty if no hook leads here
	hook     uint32
	priority int32
	rules    []*rule
}

type rule struct {
	chain       *chain
	position    int // in the chain, from 1
	expressions []expression
}

// expression is a step of a rule: a match, a statement, or what prepares them.
type expression struct {
	name string
	attributes
}

func expressionOf(a attributes) expression {
	return expression{a.text(unix.NFTA_EXPR_NAME), a.in(unix.NFTA_EXPR_DATA)}
}

var families = map[uint8]string{
	unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_ARP: "arp",
	unix.NFPROTO_NETDEV: "netdev", unix.NFPROTO_BRIDGE: "bridge", unix.NFPROTO_IPV6: "ip6",
}

// String is the way in which nft names a table.
func (t tableID) String() string { return families[t.family] + " " + t.name }

// ipv4 tells that the table sees packets of IPv4.
func (t tableID) ipv4() bool { return t.family != unix.NFPROTO_IPV6 && t.family != unix.NFPROTO_ARP }

func (c chainID) String() string { return c.table.String() + " " + c.name }

// read reads all tables, chains and rules.
func read(k *kernel) (*ruleset, error) {
	s := &ruleset{kernel: k, byID: map[chainID]*chain{}, sets: map[setID][]element{}}
	tables, err := k.tables(unix.NFT_MSG_GETTABLE)
	if err != nil {
		return nil, err
	}
	for _, b := range tables {
		table := tableID{b[0], attributes(b[headerLength:]).text(unix.NFTA_TABLE_NAME)}
		if !table.ours() {
			s.tables = append(s.tables, table)
		}
	}
	if err := s.readChains(); err != nil {
		return nil, err
	}
	return s, s.readRules()
}

func (t tableID) ours() bool { return t == tableID{unix.NFPROTO_IPV4, rules.TableName} }

func (s *ruleset) readChains() error {
	chains, err := s.kernel.tables(unix.NFT_MSG_GETCHAIN)
	for _, b := range chains {
		a := attributes(b[headerLength:])
		hook := a.in(unix.NFTA_CHAIN_HOOK)
		c := &chain{
			chainID:  chainID{tableID{b[0], a.text(unix.NFTA_CHAIN_TABLE)}, a.text(unix.NFTA_CHAIN_NAME)},
			kind:     a.text(unix.NFTA_CHAIN_TYPE),
			hook:     hook.number(unix.NFTA_HOOK_HOOKNUM),
			priority: int32(hook.number(unix.NFTA_HOOK_PRIORITY)),
		}
		if !c.table.ours() {
			s.chains = append(s.chains, c)
			s.byID[c.chainID] = c
		}
	}
	return err
}

func (s *ruleset) readRules() error {
	rules, err := s.kernel.tables(unix.NFT_MSG_GETRULE)
	for _, b := range rules {
		a := attributes(b[headerLength:])
		c := s.byID[chainID{tableID{b[0], a.text(unix.NFTA_RULE_TABLE)}, a.text(unix.NFTA_RULE_CHAIN)}]
		if c == nil {
			continue // ours, or of a chain that was not there a moment ago
		}
		r := &rule{chain: c, position: len(c.rules) + 1}
		for _, e := range attribute.All(a.get(unix.NFTA_RULE_EXPRESSIONS)) {
			r.expressions = append(r.expressions, expressionOf(e))
		}
		c.rules = append(c.rules, r)
	}
	return err
}

type setID struct {
	table tableID
	name  string
}

// elements reads a set or a map, once.
func (s *ruleset) elements(id setID) ([]element, error) {
	if known, ok := s.sets[id]; ok {
		return known, nil
	}
	answers, err := s.kernel.tablesOf(id.table.family, unix.NFT_MSG_GETSETELEM,
		netlink.Attribute{Type: unix.NFTA_SET_ELEM_LIST_TABLE, Data: append([]byte(id.table.name), 0)},
		netlink.Attribute{Type: unix.NFTA_SET_ELEM_LIST_SET, Data: append([]byte(id.name), 0)})
	if err != nil {
		return nil, err
	}
	var elements []element
	for _, b := range answers {
		for _, e := range attribute.All(attributes(b[headerLength:]).get(unix.NFTA_SET_ELEM_LIST_ELEMENTS)) {
			elements = append(elements, elementOf(e))
		}
	}
	s.sets[id] = elements
	return elements, nil
}

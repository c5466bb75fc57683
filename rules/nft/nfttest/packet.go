package nfttest

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/snatd/snatd/rules/nft"
)

// Packet is what the rules of a table can see of a packet, and change.
type Packet struct {
	In, Out         string // names of interfaces
	Src, Dst        netip.Addr
	Local           bool // Dst is an address of the node
	Confirmed       bool // not the first packet of its connection
	Reply           bool // against the direction of the first packet of its connection
	Untracked       bool // of no connection: invalid, or excepted from tracking
	ConnMark, Mark  uint32
	TranslatedTo    netip.Addr // set by a rule of type nat
	TranslatedPorts nft.PortChoice
	Counted         string // the counters that counted it, with a space between two
}

// Prerouting passes the packet through the table's base chains at prerouting,
// by priority, and returns what they made of it.
func Prerouting(t *nft.Table, p Packet) Packet { return pass(always(t), "prerouting", p) }

// Postrouting does the same for postrouting. As in the kernel, chains of type
// nat see only the first packet of a connection.
func Postrouting(t *nft.Table, p Packet) Packet { return pass(always(t), "postrouting", p) }

func pass(g *generations, point string, p Packet) Packet {
	for _, c := range baseChains(g.rules, point) {
		if c.Hook.Type != "nat" || !p.Confirmed {
			walk(g, c, &p)
		}
	}
	return p
}

// walk runs a chain up to its verdict. Every verdict ends it: nothing here jumps
// to a chain to come back.
func walk(g *generations, c *nft.Chain, p *Packet) {
	for _, r := range c.Rules {
		switch v := p.run(g, r); v.Kind {
		case "goto":
			walk(g, g.chain(v.Goto), p)
			return
		case "accept", "return":
			return
		}
	}
}

// run returns the rule's verdict, or the zero Verdict to go on with the next.
func (p *Packet) run(g *generations, r nft.Rule) nft.Verdict {
	for _, e := range r {
		switch e := e.(type) {
		case nft.InputInterface:
			if matches(e.Patterns, p.In) == e.Not {
				return nft.Verdict{}
			}
		case nft.OutputInterface:
			if matches(e.Patterns, p.Out) == e.Not {
				return nft.Verdict{}
			}
		case nft.Confirmed:
			if p.Untracked || p.Confirmed == e.Not {
				return nft.Verdict{}
			}
		case nft.OriginalDirection:
			if p.Untracked || p.Reply {
				return nft.Verdict{}
			}
		case nft.DestinationLocal:
			if !p.Local {
				return nft.Verdict{}
			}
		case nft.MarkIsSet:
			if p.lacks(e.Mark) || *p.mark(e.Mark)&e.Mask != e.Mask {
				return nft.Verdict{}
			}
		case nft.SetMark:
			if p.lacks(e.Mark) {
				return nft.Verdict{}
			}
			*p.mark(e.Mark) |= e.Mask
		case nft.Counter:
			p.Counted = strings.TrimSpace(p.Counted + " " + e.Name)
		case nft.Lookup:
			if v := g.lookup(e.Map, p.address(e.Address)).Verdict; v != nft.Continue() {
				return v
			}
		case nft.NAT:
			p.TranslatedTo, p.TranslatedPorts = e.To, e.Ports
			return nft.Accept()
		case nft.MapNAT:
			to := g.lookup(e.Map, p.address(e.Address)).Address
			if !to.IsValid() {
				return nft.Verdict{}
			}
			p.TranslatedTo, p.TranslatedPorts = to, e.Ports
			return nft.Accept()
		case nft.Verdict:
			return e
		default:
			panic(fmt.Sprintf("nfttest: expression %T is not known", e))
		}
	}
	return nft.Verdict{}
}

// lacks says whether there is nothing that has the mark.
func (p *Packet) lacks(m nft.Mark) bool { return m == nft.ConnectionMark && p.Untracked }

func (p *Packet) mark(m nft.Mark) *uint32 {
	if m == nft.ConnectionMark {
		return &p.ConnMark
	}
	return &p.Mark
}

func (p *Packet) address(a nft.Address) netip.Addr {
	if a == nft.SourceAddress {
		return p.Src
	}
	return p.Dst
}

func matches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if stem, wild := strings.CutSuffix(pattern, "*"); pattern == name || wild && strings.HasPrefix(name, stem) {
			return true
		}
	}
	return false
}

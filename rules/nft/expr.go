package nft

import (
	"fmt"
	"net/netip"
	"strings"
)

// Expr is one expression of a rule: a match or a statement. String gives it in
// the syntax that nft prints; rules with the same text are the same rule.
type Expr interface {
	fmt.Stringer
	expr()
}

// InputInterface matches the name of the interface that the packet came in
// by. A pattern may end in "*". In postrouting it needs Linux 5.7.
type InputInterface struct {
	Patterns []string // at least one, none covering another
	Not      bool
}

// OutputInterface matches the name of the interface that the packet leaves by.
type OutputInterface InputInterface

// Confirmed matches packets of connections whose first packet has passed the
// node: unset exactly on the first, unlike "ct state new". Not matches the first.
// Neither matches a packet of no connection: one that is invalid, or not tracked.
type Confirmed struct{ Not bool }

// OriginalDirection matches packets in the direction of their connection's first, and
// never a packet of no connection.
type OriginalDirection struct{}

// DestinationLocal matches packets to an address of the node itself.
type DestinationLocal struct{}

// Mark names one of the two marks a packet can have.
type Mark string

// The two marks.
const (
	ConnectionMark Mark = "ct mark"   // stays with the connection
	PacketMark     Mark = "meta mark" // routing reads it; gone with the packet
)

// MarkIsSet matches if all bits of Mask are set.
type MarkIsSet struct {
	Mark Mark
	Mask uint32
}

// SetMark sets the bits of Mask and leaves every other bit as it is.
type SetMark struct {
	Mark Mark
	Mask uint32
}

// Address names an address of the packet.
type Address string

// The two addresses.
const (
	SourceAddress      Address = "ip saddr"
	DestinationAddress Address = "ip daddr"
)

// Lookup takes the verdict that Map holds for the address, and goes on with
// the next rule if it holds none. If it holds Continue, what follows in the same rule
// is for it.
type Lookup struct {
	Address Address
	Map     string
}

// NAT rewrites an address of the connection; only in chains of type nat.
type NAT struct {
	Kind  string // "snat" or "dnat"
	To    netip.Addr
	Ports PortChoice
}

// MapNAT is NAT to the address that Map, a map of addresses, holds for Address.
// It goes on with the next rule if Map holds none.
type MapNAT struct {
	Kind    string // "snat" or "dnat"
	Address Address
	Map     string
	Ports   PortChoice
}

// PortChoice is how a translated connection's source port is chosen.
type PortChoice string

// The three ways.
const (
	PortsKeep        PortChoice = ""             // keep the port where it is free
	PortsRandom      PortChoice = "random"       // by a hash with a boot-time seed
	PortsFullyRandom PortChoice = "fully-random" // by a pseudo random number
)

// Counter counts the packet and its bytes with a counter of the table.
type Counter struct{ Name string }

// Verdict ends the evaluation of a chain.
type Verdict struct {
	// Goto is the chain that decides in this one's place; empty is any other Kind.
	Goto string
	// Kind is "accept", "return", "goto" or, in maps, "continue".
	Kind string
}

// Accept lets the packet go on to the next hook.
func Accept() Verdict { return Verdict{Kind: "accept"} }

// Return goes back to the calling chain, and in a base chain accepts.
func Return() Verdict { return Verdict{Kind: "return"} }

// Continue goes on in the rule that looked it up.
func Continue() Verdict { return Verdict{Kind: "continue"} }

// Goto continues in another chain and does not come back.
func Goto(chain string) Verdict { return Verdict{Kind: "goto", Goto: chain} }

// Unknown is an expression in a kernel's rule that snatd never writes. No plan adds
// one, and it equals none of the others.
type Unknown struct{ Text string }

func (InputInterface) expr()    {}
func (OutputInterface) expr()   {}
func (Confirmed) expr()         {}
func (OriginalDirection) expr() {}
func (DestinationLocal) expr()  {}
func (MarkIsSet) expr()         {}
func (SetMark) expr()           {}
func (Lookup) expr()            {}
func (NAT) expr()               {}
func (MapNAT) expr()            {}
func (Counter) expr()           {}
func (Verdict) expr()           {}
func (Unknown) expr()           {}

func (e InputInterface) String() string  { return interfaceText("iifname", e) }
func (e OutputInterface) String() string { return interfaceText("oifname", InputInterface(e)) }
func (OriginalDirection) String() string { return "ct direction original" }
func (DestinationLocal) String() string  { return "fib daddr type local" }
func (e Counter) String() string         { return `counter name "` + e.Name + `"` }

func (e Confirmed) String() string {
	if e.Not {
		return "ct status & confirmed != confirmed"
	}
	return "ct status & confirmed == confirmed"
}

func (e MarkIsSet) String() string {
	return fmt.Sprintf("%s & 0x%08x == 0x%08x", e.Mark, e.Mask, e.Mask)
}

func (e SetMark) String() string {
	return fmt.Sprintf("%s set %s | 0x%08x", e.Mark, e.Mark, e.Mask)
}

func (e Lookup) String() string { return fmt.Sprintf("%s vmap @%s", e.Address, e.Map) }

func (e NAT) String() string { return natText(e.Kind, e.To.String(), e.Ports) }

func (e MapNAT) String() string {
	return natText(e.Kind, fmt.Sprintf("%s map @%s", e.Address, e.Map), e.Ports)
}

func (u Unknown) String() string { return "<" + u.Text + ">" }

func natText(kind, to string, ports PortChoice) string {
	text := kind + " to " + to
	if ports != PortsKeep {
		text += " " + string(ports)
	}
	return text
}

func (v Verdict) String() string {
	if v.Goto != "" {
		return v.Kind + " " + v.Goto
	}
	return v.Kind
}

func interfaceText(name string, e InputInterface) string {
	quoted := make([]string, len(e.Patterns))
	for i, p := range e.Patterns {
		quoted[i] = `"` + p + `"`
	}
	text := strings.Join(quoted, ", ")
	if len(quoted) > 1 {
		text = "{ " + text + " }"
	}
	if e.Not {
		return name + " != " + text
	}
	return name + " " + text
}

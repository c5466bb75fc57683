// Package nft holds the part of nftables that snatd uses, as plain values: a
// table with its chains and maps, the plan that turns one table into another,
// and both as text that "nft -f" accepts.
//
// Nothing here talks to a kernel or knows about policy: package rules builds
// tables, package dataplane sends plans.
package nft

import "net/netip"

// Table is one table of family "ip". A nil *Table is a table that does not
// exist. Counters, Maps and Chains are sorted by name, so equal tables are equal
// values.
type Table struct {
	Name     string
	Counters []string // names; what they have counted is no part of the table
	Maps     []Map
	Chains   []Chain
	// Other are the things in a table read from a kernel that snatd never makes,
	// in a few words each: other objects, flow tables, flags. They go with the table only.
	Other []string
}

// Map is a map from IPv4 addresses: to verdicts, or to addresses.
type Map struct {
	Name string
	// Interval says that elements may cover more than one address
	// ("flags interval"); without it every element is a single address.
	Interval bool
	// Addresses says that the elements hold addresses in place of verdicts.
	Addresses bool
	// Other says, of what was read from a kernel, how it differs from any map that
	// snatd makes: a set, other types, timeouts. Its Elements are left out.
	Other string
	// Elements are disjoint and sorted by First.
	Elements []Element
}

// Element maps the addresses First to Last, both included, to a verdict or, in a
// map of addresses, to an address.
type Element struct {
	First, Last netip.Addr
	Verdict     Verdict
	Address     netip.Addr
}

// Chain is a list of rules. A chain with a Hook is a base chain, where packets
// enter; the others are reached by verdicts only.
type Chain struct {
	Name  string
	Hook  *Hook
	Rules []Rule
}

// Hook is where a base chain sits. A chain read from a kernel can have other values
// than the ones that snatd uses.
type Hook struct {
	Type     string // "filter" or "nat"
	Point    string // "prerouting" or "postrouting"
	Priority int    // lower numbers run first
	Policy   string // empty is accept
}

// Priorities of the kernel's own that ours are stated against, from
// linux/netfilter_ipv4.h.
const (
	PriorityMangle = -150
	PriorityDNAT   = -100
	PrioritySNAT   = 100
)

// Rule is a list of expressions: matches, then at most one statement that
// takes effect if all of them match.
type Rule []Expr

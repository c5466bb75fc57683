// Package rules compiles policy decisions to what the kernel gets: decisions
// to disjoint intervals, intervals to classes, classes to a ruleset, and the
// difference of two rulesets to a plan.
//
// Everything here is pure: no clock, no I/O, no logging, no context. The same
// decisions give the same bytes. What the kernel's objects look like as values
// is in the package nft below this one; who sends them is not known here.
package rules

import (
	"net/netip"

	"github.com/snatd/snatd/rules/nft"
)

// Action is what happens to the source address of a connection.
type Action string

// The two actions.
const (
	Exclude   Action = "exclude"   // keep the pod's address
	Translate Action = "translate" // replace it by an address of the node
)

// Outcome is an action with its parameter; outcomes compare with ==.
type Outcome struct {
	// Action is "exclude" or "translate".
	Action Action `json:"action"`
	// Source is the address that Translate puts in place of the pod's; the
	// zero Addr is the node's primary address.
	Source netip.Addr `json:"source,omitzero"`
}

// Entry is one line of a module's answer: what happens towards Prefix, and why.
type Entry struct {
	Prefix  netip.Prefix // IPv4, no host bits set
	Outcome Outcome
	Reason  string // for people; never changes what is compiled
}

// Decision is a module's answer for one subject. Within it the longest prefix
// wins. A decision without entries is "no opinion".
type Decision struct {
	Module  string
	Entries []Entry
}

// Subject is whose traffic is decided: a pod, or the node's pods whose address
// is not known (yet), which has the zero Addr.
type Subject struct {
	Name string // "namespace/name", or "node"
	Addr netip.Addr
}

// Decided is a subject with the decisions of all modules in order of
// precedence: the first with an entry that covers the destination decides. The
// last module must cover every destination.
type Decided struct {
	Subject   Subject
	Decisions []Decision
}

// Network is how the node's pods are connected, and how they are translated.
type Network struct {
	// PodInterfaces are the names of the interfaces that pods are behind; a
	// name may end in "*".
	PodInterfaces []string `json:"podInterfaces"`
	// ExemptInterfaces are outgoing interfaces where nothing is translated.
	ExemptInterfaces []string `json:"exemptInterfaces"`
	// Primary is the address that translated connections get, unless their
	// outcome has another source.
	Primary netip.Addr `json:"primary"`
	// Mark is the one bit, in the connection's and the packet's mark, that says
	// "translate".
	Mark uint32 `json:"mark"`
	// EarlierMarks are marks that live connections still carry, each one bit:
	// their packets go on being routed by them.
	EarlierMarks []uint32 `json:"earlierMarks,omitempty"`
	// Randomize is how source ports are chosen.
	Randomize Randomize `json:"randomize"`
	// NodePorts makes replies to connections that came to an address of the
	// node by PrimaryInterface leave by it again.
	NodePorts        bool   `json:"nodePorts"`
	PrimaryInterface string `json:"primaryInterface"`
	// Uncounted has no connection counted, for kernels without named counters. Then it
	// makes no difference which module decided.
	Uncounted bool `json:"uncounted,omitempty"`
}

// Randomize is how the source port of a translated connection is chosen. The
// names are those of the variable AWS_VPC_K8S_CNI_RANDOMIZESNAT.
type Randomize string

// The three ways.
const (
	RandomizePRNG Randomize = "prng"       // fully random, the default
	RandomizeHash Randomize = "hashrandom" // by a hash
	RandomizeNone Randomize = "none"       // keep the port where it is free
)

// Ruleset is everything that snatd wants in the kernel, as one value.
type Ruleset struct {
	// Network is how the pods are connected.
	Network Network `json:"network"`
	// Node is the name of the class that decides for every source address
	// which Pods does not list.
	Node string `json:"node"`
	// Pods are the pods that differ from Node, sorted by address.
	Pods []Member `json:"pods"`
	// Classes are sorted by name; each has a member, or is Node's.
	Classes []Class `json:"classes"`
}

// Member puts a source address into a class.
type Member struct {
	// Addr is the pod's address, and Class the name of its class.
	Addr  netip.Addr `json:"addr"`
	Class string     `json:"class"`
}

// Class is the flattened decision that its members share.
type Class struct {
	// Name is that of its chain and its map.
	Name string `json:"name"`
	// Default is the outcome of every destination outside Intervals, and Module the
	// module that decided so: those that the most addresses have.
	Default Outcome `json:"default"`
	Module  string  `json:"module,omitempty"`
	// Intervals are disjoint, sorted, and have another outcome than Default, or
	// another module; neighbours with the same of both are one interval.
	Intervals []Interval `json:"intervals"`

	content *content // nil until it is computed; a class with it does not change
}

// Interval is the destinations First to Last, both included.
type Interval struct {
	// First and Last are its ends, and Outcome is what is done about destinations in it.
	First   netip.Addr `json:"first"`
	Last    netip.Addr `json:"last"`
	Outcome Outcome    `json:"outcome"`
	// Module is the module that decided so, by its label; empty if that is not known:
	// then nothing is counted.
	Module string `json:"module,omitempty"`
}

// Plan is the change from one ruleset to the next.
type Plan struct {
	// After is what the kernel holds once Ops are applied: the wanted ruleset,
	// with the names of classes that could be kept.
	After *Ruleset
	Ops   nft.Plan
}

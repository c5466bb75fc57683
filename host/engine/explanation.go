package engine

import (
	"net/netip"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

// Explanation says what happens to new connections from one source to one destination, and
// why. It is made of a State alone (State.Explain), whether that is the daemon's or what a
// plan comes to; around that the engine adds what only the node can say. Text and JSON are
// made from this one value. As JSON it is stable: keys are added, and never changed.
type Explanation struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Subject is whose decision counts: a pod, or "node" for an address of none that is
	// known.
	Subject string `json:"subject,omitempty"`
	// Never says why snatd never decides about these packets; empty if it does.
	Never string `json:"never,omitempty"`
	// Action is exclude or translate, and Source the address that the destination sees, as
	// far as snatd goes.
	Action rules.Action `json:"action"`
	Source string       `json:"source"`
	// Service is where the node's rules lead connections to the destination instead; nil if
	// they do not.
	Service *Service `json:"service,omitempty"`
	// Decider is what decided; the zero Decider if nothing did. Where packets never come
	// because of their interface, it is what would decide.
	Decider
	// Asked are the modules that were asked before and had nothing to say about the
	// destination.
	Asked []Asked `json:"asked"`
	// Class is the chain in the kernel that implements it, and Elements are the elements of
	// maps that lead there and on from there, as they should be.
	Class    string    `json:"class,omitempty"`
	Elements []Element `json:"elements"`
	// Kernel is what the kernel really does; nil for what is not in force.
	Kernel *Kernel `json:"kernel,omitempty"`
	// Notes are what could not be found out, and who else may translate.
	Notes []string `json:"notes"`
}

// Decider is the module whose entry for Prefix decided, for Reason.
type Decider struct {
	Asked
	Prefix string `json:"prefix,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Asked is a module, and what its answer for the subject is a function of.
type Asked struct {
	Module string `json:"module,omitempty"`
	// SHA256 is of the version that decides; empty for one that runs natively.
	SHA256 string `json:"sha256,omitempty"`
	// Name and Version are what its author calls that version, if anything.
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	// Native says that the same policy decides natively in the module's place.
	Native bool `json:"native,omitempty"`
	// Kept says that this is the last good answer of a module that fails now.
	Kept  bool   `json:"kept,omitempty"`
	Reads []Fact `json:"reads,omitempty"`
	// Forgotten says that there were too many reads to remember.
	Forgotten bool `json:"forgotten,omitempty"`
}

// Fact is a fact that was read, and the source that it comes from, as status has it.
type Fact struct {
	policy.Read
	From facts.Provenance `json:"from"`
}

// Service is what the node's own rules make of a destination.
type Service struct {
	// Endpoint is the one that is explained: the first of Endpoints.
	Endpoint string `json:"endpoint,omitempty"`
	// Endpoints are those that connections are led to, by address.
	Endpoints []Endpoint `json:"endpoints"`
	// Untold says that there may be more, which cannot be told.
	Untold string `json:"untold,omitempty"`
}

// Endpoint is where connections to a Service may go.
type Endpoint struct {
	Address netip.Addr `json:"address"`
	// Told is who says so: "connections" for a live one, or "rules".
	Told string `json:"told"`
	// Action and Source are what is done about connections there.
	Action rules.Action `json:"action"`
	Source string       `json:"source"`
}

// Element is an element of a map in the kernel, as nft prints it.
type Element struct {
	Map     string `json:"map"`
	Element string `json:"element"`
}

// Kernel is what was looked up in the kernel for an Explanation.
type Kernel struct {
	// Agrees says that it holds all that these packets meet as it should be.
	Agrees bool `json:"agrees"`
	// Action and Source are what it does; empty if others' rules decide.
	Action rules.Action `json:"action,omitempty"`
	Source string       `json:"source,omitempty"`
	// Differences are what is otherwise there, in a few words each.
	Differences []string `json:"differences,omitempty"`
	// Error is why it could not be asked.
	Error string `json:"error,omitempty"`
}

package flow

import (
	"net/netip"
	"slices"

	"github.com/snatd/snatd/rules"
)

// Node is whose addresses are whose, which connections do not say.
type Node struct {
	// Pod says of an address that it is the own one of a pod on the node.
	Pod func(netip.Addr) bool
	// Local says that the address is one of the node itself.
	Local func(netip.Addr) bool
}

// Changed tells that before and after decide otherwise about a connection, and that it
// goes on as before says: it is translated and would now keep its source or have
// another, or it keeps the source and would now be translated. That is decided by where
// the connection really goes, after DNAT.
//
// Never changed are connections that snatd does not decide about: to the node itself,
// from anybody but a pod, translated by somebody else. A connection from an address that
// is no pod's (any more) counts if snatd's mark shows that it was translated. Where a
// connection leaves is not known here: one that is not translated because it leaves by an
// exempt interface counts like any other. Closed connections do not count.
func (n Node) Changed(before, after *rules.Ruleset, f Flow) bool {
	if f.Closed() || !n.Decided(f, before, after) {
		return false
	}
	now := source(after, f)
	return source(before, f) != now && f.Seen.Addr() != now
}

// Decided tells that one of the rulesets decided about the connection, or one before them:
// not about those to the node itself, nor those that others translate.
func (n Node) Decided(f Flow, by ...*rules.Ruleset) bool {
	if n.Local(f.Endpoint.Addr()) {
		return false
	}
	if !f.Translated() {
		return n.Pod(f.Source.Addr())
	}
	// Connections to a node port have the mark too, and kube-proxy translates them.
	marked := slices.ContainsFunc(by, func(r *rules.Ruleset) bool { return f.Marked(marks(r)...) })
	return marked && (n.Pod(f.Source.Addr()) || !n.Local(f.Destination.Addr()))
}

// source is the address that the endpoint would see if the connection began now.
func source(r *rules.Ruleset, f Flow) netip.Addr { return r.Seen(f.Source.Addr(), f.Endpoint.Addr()) }

// marks are those that connections have which were translated by the ruleset, or
// before it.
func marks(r *rules.Ruleset) []uint32 {
	if r == nil {
		return nil
	}
	return append([]uint32{r.Network.Mark}, r.Network.EarlierMarks...)
}

package engine

import (
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

// Explanation says what happens to connections from one source to one
// destination, and why.
type Explanation struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	// Action is exclude or translate.
	Action rules.Action `json:"action"`
	// Source is the address that the destination sees.
	Source string `json:"source"`
	// Module decided, by its entry for Prefix, for Reason, after Reads.
	Module string        `json:"module"`
	Prefix string        `json:"prefix,omitempty"`
	Reason string        `json:"reason"`
	Reads  []policy.Read `json:"reads,omitempty"`
	// Class is the chain in the kernel that implements it.
	Class string `json:"class,omitempty"`
}

// Explain answers for connections from a pod ("namespace/name") or an IPv4
// address to an IPv4 address, by the result that the kernel holds.
func (s *State) Explain(from, to string) (Explanation, error) {
	if s.Result == nil {
		return Explanation{}, fmt.Errorf("nothing is decided yet: %s", s.Waiting)
	}
	destination, err := netip.ParseAddr(to)
	if err != nil || !destination.Is4() {
		return Explanation{}, fmt.Errorf("to: %q is not an IPv4 address", to)
	}
	e := Explanation{From: from, To: to, Subject: from}
	for _, pod := range s.Result.Snapshot.Pods {
		if pod.HostNetwork && pod.FullName() == from {
			return e.keeps(s.Result.Network.Primary.String(), "host-network pod, never translated"), nil
		}
	}
	if from == s.Result.Network.Primary.String() {
		return e.keeps(from, "the node itself, never translated"), nil
	}
	decided, source, err := s.Result.find(from)
	if err != nil {
		return Explanation{}, err
	}
	e.Subject = decided.Subject.Name
	if destination == s.Result.Network.Primary {
		return e.keeps(source.String(), "the destination is the node itself"), nil
	}
	module, entry, ok := rules.Match(decided.decisions(), destination)
	if !ok {
		return Explanation{}, fmt.Errorf("no module decides for %s from %s", to, from)
	}
	e.Action, e.Module, e.Prefix, e.Reason = entry.Outcome.Action, module, entry.Prefix.String(), entry.Reason
	e.Source = source.String()
	if e.Action == rules.Translate {
		e.Source = s.Result.Network.Primary.String()
		if entry.Outcome.Source.IsValid() {
			e.Source = entry.Outcome.Source.String()
		}
	}
	for _, evaluation := range decided.Evaluations {
		if evaluation.Decision.Module == module {
			e.Reads = evaluation.Reads
		}
	}
	if s.Ruleset != nil {
		e.Class = s.Ruleset.ClassOf(source)
	}
	return e, nil
}

// keeps completes the explanation of a packet that snatd never decides about.
func (e Explanation) keeps(source, why string) Explanation {
	e.Action, e.Source, e.Reason, e.Module = rules.Exclude, source, why, "none"
	return e
}

// find returns the subject of a source; an address of no known pod has the
// node's decision.
func (r *Result) find(from string) (Decided, netip.Addr, error) {
	addr, err := netip.ParseAddr(from)
	if err == nil && !addr.Is4() {
		return Decided{}, addr, fmt.Errorf("from: %q is not an IPv4 address or namespace/name of a pod", from)
	}
	for _, d := range r.Decided {
		if d.Subject.Addr.IsValid() && (d.Subject.Addr == addr || d.Subject.Name == from) {
			return d, d.Subject.Addr, nil
		}
	}
	if err != nil {
		return Decided{}, addr, fmt.Errorf("from: no pod %q with an address on this node", from)
	}
	return r.Decided[0], addr, nil
}

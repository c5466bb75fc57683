package engine

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/rules"
)

// Flow is a live translated connection, and what decides about it.
type Flow struct {
	flow.Flow
	// Subject is the pod, or "node" for the address of none that is known.
	Subject string `json:"subject"`
	// Decision is what the rules of today say. What was decided by earlier rules is not
	// current.
	Decision flow.Decision `json:"decision"`
	// Module decides today, by its entry for Prefix, for Reason.
	Module string `json:"module,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Flows is a list of connections.
type Flows struct {
	// Flows are the first by source, destination and protocol.
	Flows []Flow `json:"flows"`
	// Total is how many there are; the list may have fewer.
	Total int `json:"total"`
}

// Flows lists the translated connections, the first ones by source, destination and
// ports, at most so many. It may be called by others than the one who runs the engine.
func (e *Engine) Flows(most int) (Flows, error) {
	state := e.State()
	list := Flows{Flows: []Flow{}}
	switch {
	case state.Result == nil:
		return list, state.undecided()
	case state.Ruleset == nil:
		return list, nil
	}
	node, err := thisNode(state.Result.pods())
	if err != nil {
		return list, err
	}
	found, err := translated(e.dataplane.watched, node, state.Ruleset, func(flow.Flow) bool { return true })
	if err != nil {
		return list, err
	}
	slices.SortFunc(found, func(a, b flow.Flow) int {
		return cmp.Or(a.Source.Compare(b.Source), a.Destination.Compare(b.Destination), cmp.Compare(a.Protocol, b.Protocol))
	})
	list.Total = len(found)
	decided := state.Result.byAddress()
	for _, f := range found[:min(most, len(found))] {
		list.Flows = append(list.Flows, state.explainFlow(f, decided))
	}
	return list, nil
}

func (s *State) explainFlow(f flow.Flow, decided map[netip.Addr]Decided) Flow {
	by, known := decided[f.Source.Addr()]
	if !known {
		by = s.Result.Decided[0]
	}
	out := Flow{Flow: f, Subject: by.Subject.Name, Decision: flow.Decide(s.Ruleset, f)}
	if module, entry, ok := rules.Match(by.decisions(), f.Endpoint.Addr()); ok {
		out.Module, out.Prefix, out.Reason = module, entry.Prefix.String(), entry.Reason
	}
	return out
}

// byAddress are the pods by their addresses.
func (r *Result) byAddress() map[netip.Addr]Decided {
	all := make(map[netip.Addr]Decided, len(r.Decided))
	for _, d := range r.Decided {
		if d.Subject.Addr.IsValid() {
			all[d.Subject.Addr] = d
		}
	}
	return all
}

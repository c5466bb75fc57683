package engine

import (
	"cmp"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/host/flow"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// Installed is what a plan starts from: what the kernel holds, and for whom that was
// decided.
type Installed struct {
	// Ruleset is nil if nothing is installed.
	Ruleset *rules.Ruleset `json:"ruleset"`
	// Subjects are the node, first, and the pods by name.
	Subjects []Subject `json:"subjects"`
	// Modules are those that have an answer in it, by name.
	Modules []string `json:"modules"`
	// External is snat.external, and Holding says that a change is held already: the guard
	// goes by both.
	External bool `json:"external"`
	Holding  bool `json:"holding"`
	// Unclear says that what the kernel holds is not as this version makes it, and Ruleset is as
	// much of it as is understood, while a change is held: then whatever is wanted is.
	Unclear bool `json:"unclear"`
}

// Uncounted says that the kernel counts no connections, so that a plan must not either.
func (in Installed) Uncounted() bool { return in.Ruleset != nil && in.Ruleset.Network.Uncounted }

// Subject is whose traffic is decided; the node has no address.
type Subject struct {
	// Name is "NAMESPACE/NAME" of a pod, or "node"; Address is the pod's.
	Name    string     `json:"name"`
	Address netip.Addr `json:"address,omitzero"`
}

// Installed is what is in force; an error if nothing is decided yet, so that this is not
// known.
func (s *State) Installed() (Installed, error) {
	switch {
	case s.earlier != nil:
		return *s.earlier, nil
	case s.Result == nil:
		return Installed{}, s.undecided()
	}
	return s.installed(), nil
}

// installed is what is in force once something is decided.
func (s *State) installed() Installed {
	modules := map[string]bool{}
	for _, d := range s.Result.Decided {
		for _, e := range d.Evaluations {
			modules[e.Decision.Module] = true
		}
	}
	return Installed{
		Ruleset: s.Ruleset, Subjects: s.Result.subjects(), Modules: slices.Sorted(maps.Keys(modules)),
		External: s.Result.Snapshot.External, Holding: s.Held != nil,
	}
}

// Plan is what would happen if a state came into force. As JSON it is stable: keys are
// added, and never changed.
type Plan struct {
	// Change says whether anything would happen.
	Change bool `json:"change"`
	// Before and After are digests of rulesets; empty where nothing is installed.
	Before string `json:"before"`
	After  string `json:"after"`
	// Decisions are the subjects for whom some destination is decided otherwise, the node
	// first, then the pods by name.
	Decisions []DecisionChange `json:"decisions"`
	// Objects are the commands of nft that change the kernel's objects, and Routing those of
	// ip, in their order.
	Objects []string `json:"objects"`
	Routing []string `json:"routing"`
	// Connections are the live ones; nil if they were not looked at.
	Connections *ConnectionChange `json:"connections,omitempty"`
	// Held says that the guard would hold it, and why; nil if it would not.
	Held *Held `json:"held,omitempty"`
	// Ruleset is what the kernel would hold, with the names that it would have there; nil
	// for nothing.
	Ruleset *rules.Ruleset `json:"ruleset"`
	// Notes are why something else may happen.
	Notes []string `json:"notes"`

	ops nft.Plan
}

// Commands are the changes of the kernel's objects, as nft -f accepts them.
func (p Plan) Commands() string { return p.ops.String() }

// DecisionChange is what changes for one subject.
type DecisionChange struct {
	Subject
	// State is "changed"; "new" for a pod whose address was no pod's, so that its packets had
	// the node's decision; "gone" for one whose address will be nobody's, which will have it.
	State string `json:"state"`
	// Addresses are how many destinations will see another source, up to 2^32, and Share
	// is that as a part of all.
	Addresses uint64  `json:"addresses"`
	Share     float64 `json:"share"`
	// Destinations are those that are decided otherwise, if only by another module.
	Destinations []DestinationChange `json:"destinations"`
}

// DestinationChange is what changes for destinations, with the reason of the module that
// decides after it about the first of them.
type DestinationChange struct {
	rules.Change
	Reason string `json:"reason,omitempty"`
}

// ConnectionChange is what a change means for live connections.
type ConnectionChange struct {
	// OnChange is what becomes of them: snat.onChange.
	OnChange string `json:"onChange"`
	// Total is how many would be decided otherwise, and Flows are the first of them.
	Total int           `json:"total"`
	Flows []ChangedFlow `json:"flows"`
	// Error is why they could not be listed.
	Error string `json:"error,omitempty"`
}

// ChangedFlow is a live connection that a change concerns.
type ChangedFlow struct {
	flow.Flow
	// After is the address that the endpoint would see if it began after the change.
	After netip.Addr `json:"after"`
}

// mostPlannedFlows is how many connections a plan names.
const mostPlannedFlows = 100

// PlanFrom returns what brings a state into force where something is installed. It is found
// by the daemon's own way of installing, with a kernel that only takes notes. Live
// connections are those of this node, and looked at if look says so.
func (s *State) PlanFrom(before Installed, look bool) (_ Plan, err error) {
	flows := openFlows(look)
	if flows.table != nil {
		defer func() { err = errors.Join(err, flows.table.Close()) }()
	}
	notes := newNotes(before.Ruleset, flows)
	i := installer{kernel: notes, log: slog.New(slog.DiscardHandler), holds: before.Ruleset, known: true}
	if s.Result.Ruleset == nil {
		_, err = i.remove(s.Result.Network)
	} else {
		_, err = i.install(s.Result.Ruleset)
	}
	if err != nil {
		return Plan{}, err
	}
	p := Plan{
		Before: before.Ruleset.Digest(), After: i.holds.Digest(), Ruleset: i.holds,
		Decisions: s.changesFrom(before, i.holds), Objects: []string{}, Routing: notes.routing, Notes: []string{}, ops: notes.ops,
		Held: before.beyond(s.Result),
	}
	for _, op := range notes.ops {
		p.Objects = append(p.Objects, op.String())
	}
	p.Change = len(p.Objects)+len(p.Routing)+len(p.Decisions) > 0
	if look {
		p.Connections = flows.changes(s, before.Ruleset, i.holds)
		p.Notes = s.failingAfter(before)
	}
	return p, nil
}

// failingAfter are notes of the modules that fail now and decide in the daemon, which goes on
// with what it has of them; a plan has nothing of them.
func (s *State) failingAfter(before Installed) []string {
	notes := []string{}
	for _, name := range before.Modules {
		if slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Source == "module "+name }) {
			notes = append(notes, name+" fails: the daemon goes on with its last good version or answer, which this plan is without")
		}
	}
	return notes
}

// InForce makes a state be as it is once it is installed where a plan starts, with the
// names that its classes have then.
func (s *State) InForce(p Plan) *State {
	after := *s
	after.Ruleset = p.Ruleset
	return &after
}

// changesFrom compares what is decided for everybody who is known before or after.
func (s *State) changesFrom(before Installed, after *rules.Ruleset) []DecisionChange {
	// Whose an address is does not matter to packets: the node is its own, without one.
	known, now := map[netip.Addr]bool{}, map[netip.Addr]bool{}
	for _, subject := range before.Subjects {
		known[subject.Address] = true
	}
	list := []DecisionChange{}
	add := func(subject Subject, state string, d Decided) {
		if change, any := compare(subject, d, before.Ruleset, after); any {
			change.State = state
			list = append(list, change)
		}
	}
	for _, d := range s.Result.Decided {
		subject := Subject{d.Subject.Name, d.Subject.Addr}
		now[subject.Address] = true
		state := "changed"
		if !known[subject.Address] && subject.Address.IsValid() {
			state = "new"
		}
		add(subject, state, d)
	}
	for _, subject := range before.Subjects {
		if !now[subject.Address] {
			add(subject, "gone", s.Result.Decided[0])
		}
	}
	slices.SortStableFunc(list, func(a, b DecisionChange) int {
		// The node has no address, which has no bits.
		return cmp.Or(cmp.Compare(a.Address.BitLen(), b.Address.BitLen()), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// compare says what changes for a subject, which is decided for as d says after it.
func compare(subject Subject, d Decided, before, after *rules.Ruleset) (DecisionChange, bool) {
	out := DecisionChange{Subject: subject}
	for _, c := range rules.Changes(before, after, subject.Address) {
		if c.Before.Outcome != c.After.Outcome {
			out.Addresses += c.Size()
		}
		change := DestinationChange{Change: c}
		if _, entry, ok := rules.Match(d.decisions(), c.First); ok {
			change.Reason = entry.Reason
		}
		out.Destinations = append(out.Destinations, change)
	}
	out.Share = float64(out.Addresses) / (1 << 32)
	return out, len(out.Destinations) > 0
}

// plannedFlows are the live connections, if they can be read.
type plannedFlows struct {
	table *flow.Table
	err   error
}

func openFlows(look bool) plannedFlows {
	if !look {
		return plannedFlows{}
	}
	table, err := flow.Open()
	return plannedFlows{table, err}
}

// live counts the connections that need a mark; none where they cannot be read.
func (p plannedFlows) live(mark uint32, nodePorts bool, others ...uint32) (int, error) {
	if p.table == nil {
		return 0, nil
	}
	return p.table.LiveNAT(mark, nodePorts, others...)
}

// changes are the connections that a change concerns, as the daemon finds them.
func (p plannedFlows) changes(s *State, before, after *rules.Ruleset) *ConnectionChange {
	out := &ConnectionChange{OnChange: s.Settings().SNAT.OnChange, Flows: []ChangedFlow{}}
	if p.err != nil {
		out.Error = p.err.Error()
		return out
	}
	if before == nil || before.Node == "" || after == nil {
		return out
	}
	node, err := thisNode(s.Result.pods())
	if err == nil {
		_, err = p.table.List(0, func(f flow.Flow) bool {
			if !node.Changed(before, after, f) {
				return false
			}
			if out.Total++; len(out.Flows) < mostPlannedFlows {
				out.Flows = append(out.Flows, ChangedFlow{f, after.Seen(f.Source.Addr(), f.Endpoint.Addr())})
			}
			return false
		})
	}
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

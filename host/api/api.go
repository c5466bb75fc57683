// Package api is how commands and others ask the daemon: HTTP with JSON over a unix
// socket that root may open, and a group if the operator says so. It reads what the
// engine publishes and never waits for it, but for an approval, whose outcome is the
// engine's to tell and which is root's alone.
//
// README.md beside this file is the reference, made from the endpoints and the comments of
// what they answer with.
package api

//go:generate go test . -run Reference -write

import (
	"cmp"
	"time"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/health"
	"github.com/snatd/snatd/host/history"
	"github.com/snatd/snatd/host/neighbour"
)

// Status is the answer of /v1/status.
type Status struct {
	// Version is the daemon's.
	Version string `json:"version"`
	// Healthy says that the daemon's loop goes on, that the kernel holds what the last good
	// inputs demand, and that there are no problems. If not, Why says what is wrong, the
	// worst first.
	Healthy bool     `json:"healthy"`
	Why     []string `json:"why"`
	// Ready says that the kernel holds what the last good inputs demand; an
	// input that is bad now is among Problems.
	Ready bool `json:"ready"`
	// Waiting says what the daemon waits for if it is not ready.
	Waiting string `json:"waiting,omitempty"`
	// Held is a change that waits for an approval; Ready then says that the kernel holds what
	// is in force meanwhile. Absent if there is none.
	Held *engine.Held `json:"held,omitempty"`
	// Problems are what an operator should mend.
	Problems []engine.Problem `json:"problems"`
	// Modules are in the order in which they are asked.
	Modules []engine.ModuleStatus `json:"modules"`
	// Wasm is how modules run: compiler, interpreter (several times slower) or none.
	Wasm string `json:"wasm,omitempty"`
	// Sources say where facts come from and how current they are.
	Sources []facts.Provenance `json:"sources"`
	// Primary is the address that translated connections get, and Interface the primary
	// interface of the node.
	Primary   string `json:"primary,omitempty"`
	Interface string `json:"interface,omitempty"`
	// Interfaces are those that EC2 has attached to the instance.
	Interfaces []engine.Interface `json:"interfaces"`
	// Subjects are decided for: the node, and the pods with an own address.
	Subjects int `json:"subjects"`
	// Pods are those of them that the kernel has an element for.
	Pods int `json:"pods"`
	// PodsWaiting have no address yet.
	PodsWaiting []string `json:"podsWaiting"`
	// Classes are what the kernel decides by, the node's first.
	Classes []Class `json:"classes"`
	// Ruleset is the digest of what the kernel holds.
	Ruleset string `json:"ruleset,omitempty"`
	// Changes counts the changes of its table since the start, repairs included.
	Changes uint64 `json:"changes"`
	// LastChanges are the newest few, the last first; /v1/history has more, and more of each.
	LastChanges []LastChange `json:"lastChanges"`
	// Kept counts live connections for which something stays in the kernel that the rules
	// do not need any more: after another snat.mark, or in an IPv6 cluster.
	Kept int `json:"kept"`
	// Protection says who can change what the kernel holds.
	Protection dataplane.Protection `json:"protection,omitempty"`
	// Repairs counts the times that others changed it and snatd put it right; Repaired
	// is the last.
	Repairs  uint64         `json:"repairs"`
	Repaired *engine.Repair `json:"repaired,omitempty"`
	// Draining counts live connections that go on as earlier rules decided, with
	// snat.onChange drain; Ended those that were ended by flush since the start.
	Draining int    `json:"draining"`
	Ended    uint64 `json:"ended"`
	// Neighbours are other programs on the node that get in the way, with what to do.
	Neighbours []neighbour.Finding `json:"neighbours"`
	// Kernel is what the kernel can do.
	Kernel dataplane.Features `json:"kernel"`
	// Applied is when its table was changed last; absent if that was not since the start.
	Applied *time.Time `json:"applied,omitempty"`
}

// LastChange is an entry of the history in short.
type LastChange struct {
	// Number is what the history knows it by.
	Number uint64 `json:"number"`
	// Time is when it was decided.
	Time time.Time `json:"time"`
	// Result is applied, held or refused.
	Result history.Result `json:"result"`
	// Because says what differs from the change before.
	Because string `json:"because"`
}

// StatusOf is how a daemon of this version and state is now.
func StatusOf(version string, s *engine.State, h health.Health) Status {
	why := Why(s, h, time.Now())
	status := Status{
		Healthy: len(why) == 0, Why: why,
		Version: version, Ready: s.Waiting == "", Waiting: s.Waiting, Held: s.Held,
		Problems: append([]engine.Problem{}, s.Problems...),
		Modules:  append([]engine.ModuleStatus{}, s.Modules...),
		Classes:  classes(s), Changes: s.Changes, LastChanges: []LastChange{}, PodsWaiting: []string{},
		Sources:    append([]facts.Provenance{}, s.Sources()...),
		Interfaces: append([]engine.Interface{}, s.Interfaces()...),
		Kept:       s.Kept, Protection: s.Protection, Repairs: s.Repairs, Repaired: s.Repaired, Draining: s.Draining, Ended: s.Ended,
		Neighbours: append([]neighbour.Finding{}, s.Neighbours()...), Kernel: s.Kernel,
	}
	status.Wasm = s.Wasm
	for _, e := range s.LastChanges {
		status.LastChanges = append(status.LastChanges, LastChange{e.Number, e.Time, e.Result, e.Because})
	}
	if !s.Applied.IsZero() {
		status.Applied = &s.Applied
	}
	if r := s.Result; r != nil {
		status.Primary, status.Interface = r.Network.Primary.String(), r.Network.PrimaryInterface
		status.Subjects = len(r.Decided)
		status.PodsWaiting = append(status.PodsWaiting, r.Snapshot.Waiting()...)
	}
	if s.Ruleset != nil {
		status.Pods, status.Ruleset = len(s.Ruleset.Pods), s.Ruleset.Digest()
	}
	return status
}

// Why says why a daemon of this state is not healthy; it is empty if it is.
func Why(s *engine.State, h health.Health, now time.Time) []string {
	why := []string{}
	if hangs := h.Hangs(now); hangs != "" {
		why = append(why, hangs)
	}
	if !h.Ready {
		why = append(why, cmp.Or(h.Waiting, "not ready"))
	}
	for _, p := range s.Problems {
		why = append(why, p.String())
	}
	return why
}

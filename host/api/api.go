// Package api is how commands ask the daemon: HTTP with JSON over a unix
// socket that only root may open. It reads what the engine publishes and never
// waits for it, but for an approval, whose outcome is the engine's to tell.
package api

import (
	"time"

	"github.com/snatd/snatd/host/dataplane"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/neighbour"
)

// Paths of the API. Version 1 may gain fields, never lose them.
const (
	pathStatus    = "/v1/status"
	pathExplain   = "/v1/explain" // ?from=POD|IP&to=IP
	pathRuleset   = "/v1/ruleset"
	pathInstalled = "/v1/installed"
	pathFacts     = "/v1/facts" // ?at=N; YAML, in the format of the static facts file
	pathHistory   = "/v1/history"
	pathBundle    = "/v1/history/bundle" // ?at=N; tar
	pathFlows     = "/v1/flows"          // ?limit=N
	pathApprove   = "/v1/approve"        // ?digest=D; POST
)

// Status is the answer of /v1/status.
type Status struct {
	Version string `json:"version"`
	// Ready says that the kernel holds what the last good inputs demand; an
	// input that is bad now is among Problems.
	Ready   bool   `json:"ready"`
	Waiting string `json:"waiting,omitempty"`
	// Held is a change that waits for an approval; Ready then says that the kernel holds what
	// is in force meanwhile. Absent if there is none.
	Held *engine.Held `json:"held,omitempty"`
	// Problems are what an operator should mend.
	Problems []engine.Problem      `json:"problems"`
	Modules  []engine.ModuleStatus `json:"modules"`
	// Wasm is how modules run: compiler, interpreter (several times slower) or none.
	Wasm string `json:"wasm,omitempty"`
	// Sources say where facts come from and how current they are.
	Sources []facts.Provenance `json:"sources"`
	// Primary is the address that translated connections get.
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
	Classes     []string `json:"classes"`
	// Ruleset is the digest of what the kernel holds.
	Ruleset string `json:"ruleset,omitempty"`
	// Changes counts the changes of its table since the start, repairs included.
	Changes uint64 `json:"changes"`
	// Kept counts live translated connections for which something stays in the kernel that
	// the rules do not need any more: after another snat.mark, or in an IPv6 cluster.
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
	Kernel  dataplane.Features `json:"kernel"`
	Applied *time.Time         `json:"applied,omitempty"`
}

// problem is the body of every answer that is not 200.
type problem struct {
	Error string `json:"error"`
}

func statusOf(version string, s *engine.State) Status {
	status := Status{
		Version: version, Ready: s.Waiting == "", Waiting: s.Waiting, Held: s.Held,
		Problems: append([]engine.Problem{}, s.Problems...),
		Modules:  append([]engine.ModuleStatus{}, s.Modules...),
		Classes:  []string{}, Changes: s.Changes, PodsWaiting: []string{},
		Sources:    append([]facts.Provenance{}, s.Sources()...),
		Interfaces: append([]engine.Interface{}, s.Interfaces()...),
		Kept:       s.Kept, Protection: s.Protection, Repairs: s.Repairs, Repaired: s.Repaired, Draining: s.Draining, Ended: s.Ended,
		Neighbours: append([]neighbour.Finding{}, s.Neighbours()...), Kernel: s.Kernel,
	}
	status.Wasm = s.Wasm
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
		for _, class := range s.Ruleset.Classes {
			status.Classes = append(status.Classes, class.Name)
		}
	}
	return status
}

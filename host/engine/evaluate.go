package engine

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/link"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

// Result is what a pass decided. It is immutable.
type Result struct {
	inputs   Inputs
	Snapshot *facts.Snapshot
	Network  rules.Network
	// Decided are the subjects with what each module answered; the node is
	// first, then the pods by name.
	Decided []Decided
	// Ruleset is what belongs into the kernel; nil for nothing at all, in an
	// IPv6 cluster.
	Ruleset *rules.Ruleset
}

// pods are the addresses of the pods that are decided for.
func (r *Result) pods() (list []netip.Addr) {
	for _, d := range r.Decided {
		if d.Subject.Addr.IsValid() {
			list = append(list, d.Subject.Addr)
		}
	}
	return list
}

// subjects are the node and the pods that are decided for.
func (r *Result) subjects() []Subject {
	list := make([]Subject, len(r.Decided))
	for i, d := range r.Decided {
		list[i] = Subject{d.Subject.Name, d.Subject.Addr}
	}
	return list
}

// Decided is a subject with the modules' answers in order of precedence.
type Decided struct {
	Subject     rules.Subject
	Evaluations []policy.Evaluation
}

// decisions are the answers alone, as the compiler takes them.
func (d Decided) decisions() []rules.Decision {
	list := make([]rules.Decision, len(d.Evaluations))
	for i, e := range d.Evaluations {
		list[i] = e.Decision
	}
	return list
}

// Decide loads the modules of the inputs, lets them decide for every subject and
// compiles the decisions. Problems are modules' failures, which cost nothing but
// themselves; an error means that there is nothing to install.
func Decide(ctx context.Context, in Inputs, modules *Modules) (*Result, []Problem, error) {
	modules.settle(ctx, in, patience)
	result, p, err := decide(ctx, in, modules)
	return result, p.list, err
}

// How long a first decision waits for the modules to load. Without them pods would
// be decided for otherwise for a moment, where rules of an earlier run are in the
// kernel; where there are none, a bad module must not keep the node waiting.
const (
	patience        = 30 * time.Second
	patienceAtFirst = 5 * time.Second
)

func decide(ctx context.Context, in Inputs, modules *Modules) (*Result, problems, error) {
	p := modules.Sync(in.Modules, in.Config.Policies.Routes, in.Snapshot)
	result, failed, err := evaluate(ctx, in, modules)
	p.join(failed)
	return result, p, err
}

func evaluate(ctx context.Context, in Inputs, modules *Modules) (*Result, problems, error) {
	network := NetworkOf(in.Config, in.Link)
	network.Uncounted = in.Uncounted
	result := &Result{inputs: in, Snapshot: in.Snapshot, Network: network}
	var failed failures
	var names []string
	provisional := false
	for _, subject := range in.Snapshot.Subjects() {
		if ctx.Err() != nil {
			return nil, problems{}, ctx.Err()
		}
		evaluations, errs := modules.set.Decide(ctx, subject.Name, subject.View)
		for _, err := range errs {
			failed.add(subject.Name, err)
		}
		for _, e := range evaluations {
			provisional = provisional || e.Provisional
		}
		result.Decided = append(result.Decided, Decided{subject.Subject, evaluations})
		names = append(names, subject.Name)
	}
	if in.Config.Network.IPFamily != config.IPv6 {
		start := time.Now()
		ruleset, err := compile(&modules.compiler, network, result.Decided)
		if modules.compiled != nil {
			modules.compiled(time.Since(start))
		}
		if err != nil {
			return result, failed.problems(), err
		}
		result.Ruleset = ruleset
	}
	err := modules.shadows(ctx, result, &failed)
	modules.endPass(names, provisional)
	modules.failing(failed, len(names))
	p := failed.problems()
	if err != nil && ctx.Err() == nil {
		p.add("policy", fmt.Errorf("what modules in shadow mode would change: %w", err))
		err = nil
	}
	return result, p, err
}

func compile(compiler *rules.Compiler, network rules.Network, decided []Decided) (*rules.Ruleset, error) {
	pods := make([]rules.Decided, 0, len(decided)-1)
	for _, d := range decided[1:] {
		pods = append(pods, rules.Decided{Subject: d.Subject, Decisions: d.decisions()})
	}
	return compiler.Compile(network, decided[0].decisions(), pods)
}

// exemptInterfaces are the outgoing interfaces of pods with a network interface
// of their own ("security groups for pods"), which the AWS plugin exempts too.
var exemptInterfaces = []string{"vlan*"}

// NetworkOf is the network that a configuration describes on a node with that
// primary interface.
func NetworkOf(cfg config.Config, primary link.Link) rules.Network {
	return rules.Network{
		PodInterfaces:    cfg.Network.PodInterfaces,
		ExemptInterfaces: exemptInterfaces,
		Primary:          primary.Addr,
		Mark:             uint32(cfg.SNAT.Mark),
		Randomize:        cfg.SNAT.Randomize,
		NodePorts:        cfg.Network.NodePorts,
		PrimaryInterface: primary.Name,
	}
}

package engine

import (
	"context"
	"reflect"
	"slices"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

// Shadow is what a module in shadow mode would change if it decided.
type Shadow struct {
	// Subjects are how many it would decide otherwise for.
	Subjects int `json:"subjects"`
	// Changes are the first of them by name.
	Changes []Change `json:"changes"`
}

// Change is how much of the address space another decision would be made for.
type Change struct {
	// Subject is the pod, or "node".
	Subject string `json:"subject"`
	// Addresses are how many destinations would be treated otherwise, up to 2^32.
	Addresses uint64 `json:"addresses"`
	// Share is the same as a part of the address space, from 0 to 1.
	Share float64 `json:"share"`
}

// Largest is the largest of the changes; the zero Change if there is none.
func (s *Shadow) Largest() Change { return largest(s.Changes) }

func largest(changes []Change) (largest Change) {
	for _, c := range changes {
		if c.Addresses > largest.Addresses {
			largest = c
		}
	}
	return largest
}

// maxChanges bounds what status tells of one module.
const maxChanges = 100

// shadows evaluates the modules in shadow mode on the subjects of a result, and
// notes what each of them alone would change. They fail like others, and cost
// nobody anything.
func (m *Modules) shadows(ctx context.Context, result *Result, failed *failures) error {
	would := map[string][]Decided{} // by module
	for i, subject := range result.Snapshot.Subjects() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		evaluations, errs := m.shadow.Decide(ctx, subject.Name, subject.View)
		for _, err := range errs {
			failed.add(subject.Name, err)
		}
		for _, e := range evaluations {
			decided := result.Decided[i]
			decided.Evaluations = insert(decided.Evaluations, e)
			would[e.Decision.Module] = append(would[e.Decision.Module], decided)
		}
	}
	for name, entry := range m.loaded {
		if !entry.shadow || entry.policy == nil {
			continue
		}
		now := compared{result.Network, result.Ruleset != nil, result.Decided, would[name]}
		if entry.would != nil && entry.compared.same(now) {
			continue
		}
		var err error
		if entry.would, err = difference(result, would[name]); err != nil {
			return err
		}
		entry.compared = now
	}
	return nil
}

// compared is what a module's Shadow follows from.
type compared struct {
	network        rules.Network
	compiled       bool // there is a ruleset
	decided, would []Decided
}

// same says that the Shadow is the same for sure.
func (c compared) same(now compared) bool {
	return c.compiled == now.compiled && reflect.DeepEqual(c.network, now.network) &&
		slices.EqualFunc(c.decided, now.decided, decidedAlike) && slices.EqualFunc(c.would, now.would, decidedAlike)
}

// decidedAlike says that the modules gave the very same answers. What is remembered
// is the same in memory, so there is no need to look at each prefix.
func decidedAlike(a, b Decided) bool {
	return a.Subject == b.Subject && slices.EqualFunc(a.Evaluations, b.Evaluations, func(a, b policy.Evaluation) bool {
		x, y := a.Decision.Entries, b.Decision.Entries
		return a.Decision.Module == b.Decision.Module && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	})
}

// insert puts an evaluation where the module would stand: in the order of names,
// before the modules of this binary.
func insert(evaluations []policy.Evaluation, e policy.Evaluation) []policy.Evaluation {
	at := slices.IndexFunc(evaluations, func(other policy.Evaluation) bool {
		name := other.Decision.Module
		return name == RoutesModule || name == DefaultModule || name > e.Decision.Module
	})
	if at < 0 {
		at = len(evaluations)
	}
	return slices.Insert(slices.Clone(evaluations), at, e)
}

// difference compares what is decided with what would be for some of the subjects.
func difference(result *Result, would []Decided) (*Shadow, error) {
	s := &Shadow{Changes: []Change{}}
	if result.Ruleset == nil || len(would) == 0 {
		return s, nil
	}
	node := result.Decided[0].decisions()
	var pods []rules.Decided
	for _, d := range would {
		if !d.Subject.Addr.IsValid() {
			node = d.decisions()
			continue
		}
		pods = append(pods, rules.Decided{Subject: d.Subject, Decisions: d.decisions()})
	}
	after, err := rules.Compile(result.Network, node, pods)
	if err != nil {
		return nil, err
	}
	subjects := make([]Subject, len(would))
	for i, d := range would {
		subjects[i] = Subject{d.Subject.Name, d.Subject.Addr}
	}
	changes := changesFor(result.Ruleset, after, subjects)
	s.Subjects = len(changes)
	s.Changes = append(s.Changes, changes[:min(len(changes), maxChanges)]...)
	return s, nil
}

// changesFor are those of the subjects that another ruleset decides otherwise for. Neither
// is nil or a draining one.
func changesFor(before, after *rules.Ruleset, subjects []Subject) (list []Change) {
	type classes struct{ before, after string }
	counted := map[classes]uint64{}
	for _, s := range subjects {
		of := classes{before.ClassOf(s.Address), after.ClassOf(s.Address)}
		addresses, known := counted[of]
		if !known {
			addresses = rules.Changed(before, after, s.Address)
			counted[of] = addresses
		}
		if addresses > 0 {
			list = append(list, Change{s.Name, addresses, float64(addresses) / (1 << 32)})
		}
	}
	return list
}

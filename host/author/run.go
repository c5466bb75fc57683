package author

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

// RunReport is what a module decides. As JSON it is stable: keys are added, and
// never changed.
type RunReport struct {
	Module   string     `json:"module"` // the file's name
	SHA256   string     `json:"sha256"`
	Example  bool       `json:"example,omitempty"` // the facts are the example's: none were named
	Subjects []Decision `json:"subjects"`          // the node first, then the pods by name
}

// Failed are how many subjects the module failed for.
func (r RunReport) Failed() (n int) {
	for _, d := range r.Subjects {
		if d.Error != "" {
			n++
		}
	}
	return n
}

// Decision is a module's answer for one subject.
type Decision struct {
	Subject string     `json:"subject"`          // "node", or a pod as "namespace/name"
	Address netip.Addr `json:"address,omitzero"` // of the pod
	// Entries are in the order in which the module gave them; of those that cover a
	// destination the longest prefix decides. Without entries the module has no
	// opinion.
	Entries []Entry `json:"entries"`
	// Reads are the facts that the answer is a function of, in the order in which
	// they were read first.
	Reads []policy.Read `json:"reads"`
	// Error is why there is no answer; then there are no entries and no reads.
	Error string `json:"error,omitempty"`
	// Mistyped says of keys that the module asked for that no fact is called so.
	Mistyped []string `json:"mistyped,omitempty"`
}

// Entry is what happens to the pod's address towards one prefix.
type Entry struct {
	Prefix netip.Prefix `json:"prefix"`
	Action rules.Action `json:"action"` // exclude or translate
	// Source is what translate translates to; absent for exclude.
	Source netip.Addr `json:"source,omitzero"`
	Reason string     `json:"reason"`
}

// Run lets a module decide, alone and each time in a fresh instance, for a subject
// or, if that is empty, for all. A failure for one subject stands in its place; the
// error is that the module does not load, or that there is no such subject.
func Run(ctx context.Context, o Options, subject string) (report RunReport, err error) {
	t, err := open(ctx, o)
	if err != nil {
		return RunReport{}, err
	}
	defer t.close(ctx, &err)
	report = RunReport{Module: t.file.Name, SHA256: t.file.SHA256, Example: o.Facts == ""}
	subjects := t.snapshot.Subjects()
	if subject != "" {
		one, err := t.subject(subject)
		if err != nil {
			return RunReport{}, fmt.Errorf("--subject: %w", err)
		}
		subjects = []facts.Subject{one}
	}
	m, err := t.load(ctx)
	if err != nil {
		return RunReport{}, t.moduleError(err)
	}
	for _, s := range subjects {
		decision := Decision{Subject: s.Name, Address: s.Addr, Entries: []Entry{}, Reads: []policy.Read{}}
		notes := newNotes()
		evaluation, err := m.Decide(ctx, asked{s.View, notes})
		decision.Mistyped = mistyped(notes.unknown)
		switch {
		case ctx.Err() != nil:
			return RunReport{}, err
		case err != nil:
			decision.Error = policy.Message(err)
		default:
			decision.Entries = append(decision.Entries, t.entries(evaluation)...)
			decision.Reads = append(decision.Reads, evaluation.Reads...)
		}
		report.Subjects = append(report.Subjects, decision)
	}
	return report, nil
}

// entries are those of an evaluation, with the primary address where the module
// leaves the source to the daemon.
func (t *trial) entries(e policy.Evaluation) []Entry {
	entries := make([]Entry, len(e.Decision.Entries))
	for i, from := range e.Decision.Entries {
		entries[i] = Entry{from.Prefix, from.Outcome.Action, from.Outcome.Source, from.Reason}
		if from.Outcome.Action == rules.Translate && !from.Outcome.Source.IsValid() {
			entries[i].Source = t.snapshot.PrimaryAddress
		}
	}
	return entries
}

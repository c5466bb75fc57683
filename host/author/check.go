package author

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/snatd/snatd/host/policy"
)

// State is how a check ended.
type State string

// States.
const (
	OK      State = "ok"
	Warning State = "warning" // the daemon takes the module, but it cannot be meant so
	Failed  State = "failed"
	Skipped State = "skipped" // an earlier check failed
)

// The checks, in their order.
const (
	checkSize     = "size"
	checkSHA256   = "sha256"
	checkABI      = "abi"
	checkMetadata = "metadata"
	checkValidate = "validate"
	checkDecide   = "decide"
	checkFacts    = "facts"
	checkPure     = "pure"
)

var checks = []string{checkSize, checkSHA256, checkABI, checkMetadata, checkValidate, checkDecide, checkFacts, checkPure}

// CheckResult is one check of a module.
type CheckResult struct {
	Check  string `json:"check"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"` // what was found: the daemon's own words where it failed
	Change string `json:"change,omitempty"` // what may mend it, where the words do not say so
}

// CheckReport is what Check found.
type CheckReport struct {
	Module  string       `json:"module"`            // the file's name
	Sidecar string       `json:"sidecar,omitempty"` // path of the sidecar, if there is one
	SHA256  string       `json:"sha256"`
	Size    int          `json:"size"`              // bytes, decompressed
	Gzipped int          `json:"gzipped,omitempty"` // bytes, of the file if it is compressed; absent if a large module is too large for a ConfigMap
	Mode    string       `json:"mode"`              // compiler or interpreter
	Compile Milliseconds `json:"compile,omitempty"` // if it loads
	Start   Milliseconds `json:"start,omitempty"`   // of a fresh instance, with its validate
	// Metadata are what the module's author says of it, if anything.
	Metadata *policy.Metadata `json:"metadata,omitempty"`
	OK       bool             `json:"ok"`
	Checks   []CheckResult    `json:"checks"` // always the same ones, in the same order
}

// Check tries a module as the daemon does before it takes one. What is wrong with
// the module is in the report; the error is that it could not be tried.
func Check(ctx context.Context, o Options) (report CheckReport, err error) {
	t, err := open(ctx, o)
	if err != nil {
		return CheckReport{}, err
	}
	defer t.close(ctx, &err)
	report = CheckReport{
		Module: t.file.Name, Sidecar: t.file.SidecarPath, SHA256: t.file.SHA256,
		Size: len(t.file.Wasm), Gzipped: t.gzipped(), Mode: t.engine.Mode(), OK: true,
	}
	found := findings{}
	found.ok(checkSize, sizes(report.Size, report.Gzipped))
	found.ok(checkSHA256, t.hash())
	report.Metadata, err = policy.ReadMetadata(t.file.Wasm)
	found.metadata(report.Metadata, err)
	cost, err := t.check(ctx, found, report.Metadata)
	if err != nil {
		return CheckReport{}, err
	}
	if found[checkABI].State == Failed && report.Metadata == nil { // it may be no module at all
		delete(found, checkMetadata)
	}
	report.Compile, report.Start = milliseconds(cost.compile), milliseconds(cost.start)
	for _, name := range checks {
		result, ok := found[name]
		if !ok {
			result = CheckResult{State: Skipped}
		}
		result.Check = name
		report.OK = report.OK && (result.State == OK || result.State == Warning)
		report.Checks = append(report.Checks, result)
	}
	return report, nil
}

// check loads the module and lets it decide, until something fails. The metadata, nil
// if it has none, are held against what it does. The error is that of ctx.
func (t *trial) check(ctx context.Context, found findings, metadata *policy.Metadata) (cost, error) {
	m, took, err := t.timedLoad(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return cost{}, ctx.Err()
	case err != nil && refused(err):
		found.failed(checkABI, "", err)
		return cost{}, nil
	case err != nil:
		found.ok(checkABI, "compiled by the "+t.engine.Mode())
		found.failed(checkValidate, "", err)
		return cost{}, nil
	}
	found.ok(checkABI, fmt.Sprintf("compiled in %s by the %s", short(took.compile), t.engine.Mode()))
	found.ok(checkValidate, fmt.Sprintf("started and validated in %s, with %s", short(took.start), t.settings()))
	notes := newNotes()
	subjects := slices.Clone(t.subjects)
	for i := range subjects {
		subjects[i].Facts = asked{subjects[i].Facts, notes}
	}
	ready, err := found.decisions(ctx, m, subjects)
	if ready != nil && metadata != nil && metadata.Facts != nil && found[checkMetadata].State == OK {
		var all []policy.Read
		if all, err = reads(ctx, ready, t.subjects); err == nil {
			found.declared(*metadata, all)
		}
	}
	switch {
	case len(notes.unknown) > 0: // that may be why it failed
		found[checkFacts] = CheckResult{State: Warning, Detail: strings.Join(mistyped(notes.unknown), "; ")}
	case found[checkDecide].State == OK:
		found.ok(checkFacts, "it asks for facts that there are")
	}
	return took, err
}

// decisions evaluates a policy for each of the subjects, and then again in another
// order. It returns the policy with what it has decided remembered, nil if it failed.
func (f findings) decisions(ctx context.Context, p policy.Policy, subjects []policy.Subject) (policy.Policy, error) {
	ready, report, err := policy.Verify(ctx, p, subjects)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(report.Failed) == 0 {
		f.ok(checkDecide, fmt.Sprintf("for %s, with %s", count(len(subjects), "subject"), count(len(report.Evaluated), "evaluation")))
	}
	for _, name := range report.Evaluated {
		if first, failed := report.Failed[name]; failed {
			where := name
			if n := len(report.Failed); n > 1 {
				where = fmt.Sprintf("%s and %d more", name, n-1)
			}
			f.failed(checkDecide, "for "+where+": ", first)
			return nil, nil
		}
	}
	if err != nil {
		f.failed(checkPure, "", err)
		return nil, nil
	}
	f.ok(checkPure, "the same again in the opposite order")
	return ready, nil
}

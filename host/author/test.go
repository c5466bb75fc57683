package author

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/rules"
)

// TestReport is what came of a file of test cases. As JSON it is stable: keys are added,
// and never changed.
type TestReport struct {
	File     string       `json:"file"`   // path of the cases
	Module   string       `json:"module"` // path of the module
	SHA256   string       `json:"sha256"`
	Failed   int          `json:"failed"` // cases that are not as expected
	Cases    []CaseResult `json:"cases"`  // in the order of the file
	Coverage Coverage     `json:"coverage"`
}

// CaseResult is what came of one case.
type CaseResult struct {
	Name     string `json:"name"`
	Line     int    `json:"line"`     // in the file of the cases
	Question string `json:"question"` // whose connections to where
	OK       bool   `json:"ok"`
	Want     Answer `json:"want"`
	Got      Answer `json:"got"`
	// Reads are the facts that the answer is a function of; none if it failed.
	Reads  []policy.Read `json:"reads"`
	Change string        `json:"change,omitempty"` // what may mend it, where that is known
}

// Answer is a module's answer about one destination. What is expected may leave out all but
// the action.
type Answer struct {
	Action string       `json:"action,omitempty"` // exclude, translate, or none: it says nothing; empty if it failed
	Prefix netip.Prefix `json:"prefix,omitzero"`  // that decides
	Source netip.Addr   `json:"source,omitzero"`  // that translate translates to
	Reason string       `json:"reason,omitempty"`
	Error  string       `json:"error,omitempty"` // why there is none, or a part of that
}

// String is the answer for people.
func (a Answer) String() string {
	text := a.Action
	if a.Error != "" {
		text = "error " + a.Error
	}
	if a.Source.IsValid() {
		text += " to " + a.Source.String()
	}
	if a.Prefix.IsValid() {
		text += " by " + a.Prefix.String()
	}
	if a.Reason != "" {
		text += ", because " + a.Reason
	}
	return text
}

// accepts says whether an answer is the expected one.
func (a Answer) accepts(got Answer) bool {
	if a.Error != "" {
		return strings.Contains(got.Error, a.Error)
	}
	return a.Action == got.Action && (!a.Source.IsValid() || a.Source == got.Source) && (a.Reason == "" || a.Reason == got.Reason)
}

// TestFiles are the files with cases in a folder.
func TestFiles(folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*"+casesSuffix))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no file with cases, accepted: FILE, or a folder with FILE%s", casesSuffix)
	}
	return files, err
}

// TestPaths are the files that a file of cases is about, with itself; only itself if it
// cannot be read.
func TestPaths(path string) []string {
	f, err := readCases(path)
	if err != nil {
		return []string{path}
	}
	return f.paths()
}

// Test runs the cases in a file. Whatever the module does is in the report; the error is
// that a file is wrong, or that the module does not fit the ABI. Of the options only the
// limits, the primary address and the log count.
func Test(ctx context.Context, path string, o Options) (report TestReport, err error) {
	f, err := readCases(path)
	if err != nil {
		return TestReport{}, err
	}
	o.Module, o.Sidecar, o.Facts = f.beside(f.Module), f.beside(f.Sidecar), ""
	t := &trial{}
	if t.file, err = dropin.ReadModule(o.Module, o.Sidecar); err != nil {
		return TestReport{}, err
	}
	if t.engine, err = newEngine(ctx, o); err != nil {
		return TestReport{}, err
	}
	defer t.close(ctx, &err)
	metadata, _ := policy.ReadMetadata(t.file.Wasm) // snatd policy check tells
	report = TestReport{File: path, Module: o.Module, SHA256: t.file.SHA256, Cases: []CaseResult{}}
	covered := newCoverage()
	// With the sidecar's own settings; what others need compiles nothing while it is open.
	m, loadErr := t.load(ctx)
	if loadErr != nil && refused(loadErr) {
		return TestReport{}, t.refusal(loadErr)
	}
	for i, c := range f.Cases {
		one := *t
		if one.snapshot, err = f.facts(i, o); err != nil {
			return TestReport{}, err
		}
		subject, err := one.subject(c.from())
		if err != nil {
			return TestReport{}, f.source.Errorf(fmt.Sprintf("cases[%d].from", i), "%v", err)
		}
		result, err := one.try(ctx, c, subject, m, loadErr, covered)
		if err != nil {
			return TestReport{}, err
		}
		result.Line = f.source.Line(fmt.Sprintf("cases[%d]", i))
		if !result.OK {
			report.Failed++
		}
		report.Cases = append(report.Cases, result)
	}
	if metadata != nil {
		covered.declared = metadata.Facts
	}
	report.Coverage = covered.report()
	return report, nil
}

// try asks one case: the module with the sidecar's settings, or with those of the case. The
// error is that of ctx.
func (t *trial) try(ctx context.Context, c testCase, subject facts.Subject, m *policy.Module, loadErr error, covered *coverage) (result CaseResult, err error) {
	result = CaseResult{Name: c.Name, Question: c.question(), Reads: []policy.Read{}}
	if result.Name == "" {
		result.Name = result.Question
	}
	result.Want = Answer{Action: string(c.Action), Source: c.Source, Reason: c.Reason, Error: c.Fails}
	if c.Config != nil {
		t.file.Sidecar.Config = c.Config
		if m, loadErr = t.load(ctx); loadErr == nil {
			defer func() { err = errors.Join(err, m.Close(ctx)) }()
		}
	}
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	if loadErr != nil {
		result.answered(Answer{Error: policy.Message(loadErr)}, change(loadErr))
		covered.settings(t.file.Sidecar.Config)
		return result, nil
	}
	notes := newNotes()
	evaluation, err := m.Decide(ctx, asked{subject.View, notes})
	covered.add(subject.View, t.file.Sidecar.Config, notes, evaluation.Reads)
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case err != nil:
		result.answered(Answer{Error: policy.Message(err)}, strings.Join(append(mistyped(notes.unknown), nonempty(change(err))...), "; "))
		covered.settings(t.file.Sidecar.Config)
		return result, nil
	}
	result.Reads = append(result.Reads, evaluation.Reads...)
	result.answered(t.answer(evaluation, c.To), strings.Join(mistyped(notes.unknown), "; "))
	return result, nil
}

// answered completes a result; the change is told if it is not what is expected.
func (r *CaseResult) answered(got Answer, change string) {
	r.Got = got
	if r.OK = r.Want.accepts(got); !r.OK {
		r.Change = change
	}
}

// answer is what an evaluation says about a destination.
func (t *trial) answer(e policy.Evaluation, to netip.Addr) Answer {
	_, entry, ok := rules.Match([]rules.Decision{e.Decision}, to)
	if !ok {
		return Answer{Action: string(none)}
	}
	e.Decision.Entries = []rules.Entry{entry}
	decided := t.entries(e)[0]
	return Answer{Action: string(decided.Action), Prefix: decided.Prefix, Source: decided.Source, Reason: decided.Reason}
}

// refusal is the error of a module that does not fit the ABI, with what to change.
func (t *trial) refusal(err error) error {
	if mend := change(err); mend != "" {
		return fmt.Errorf("%w; to change: %s", t.moduleError(err), mend)
	}
	return t.moduleError(err)
}

func nonempty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

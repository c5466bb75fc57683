package author

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/snatd/snatd/host/dropin"
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
	if err := f.checkModule(); err != nil {
		return TestReport{}, err
	}
	o.Module, o.Sidecar, o.Facts = f.beside(f.Module), f.beside(f.Sidecar), ""
	e := &examiner{casesFile: f, options: o, covered: newCoverage()}
	if e.file, err = dropin.ReadModule(o.Module, o.Sidecar); err != nil {
		return TestReport{}, err
	}
	if e.engine, err = newEngine(ctx, o); err != nil {
		return TestReport{}, err
	}
	defer e.close(ctx, &err)
	// Modules with the settings of cases need not be compiled while this one is open.
	if e.module, e.loadErr = e.load(ctx); e.loadErr != nil && refused(e.loadErr) {
		return TestReport{}, e.refusal(e.loadErr)
	}
	report = TestReport{File: path, Module: o.Module, SHA256: e.file.SHA256, Cases: []CaseResult{}}
	for i := range f.Cases {
		result, err := e.examine(ctx, i)
		if err != nil {
			return TestReport{}, err
		}
		if !result.OK {
			report.Failed++
		}
		report.Cases = append(report.Cases, result)
	}
	if m, err := policy.ReadMetadata(e.file.Wasm); err == nil && m != nil { // snatd policy check tells what is wrong
		e.covered.declared = m.Facts
	}
	report.Coverage = e.covered.report()
	return report, nil
}

// examiner asks a module what is in a file of cases.
type examiner struct {
	trial
	*casesFile
	options Options
	module  *policy.Module // with the sidecar's settings; nil if it does not load
	loadErr error
	covered *coverage
}

// examine asks one case. The error is that of its facts, or of ctx.
func (e *examiner) examine(ctx context.Context, i int) (result CaseResult, err error) {
	c, key := e.Cases[i], fmt.Sprintf("cases[%d]", i)
	result = CaseResult{Name: cmp.Or(c.Name, c.question()), Line: e.source.Line(key), Question: c.question(), Reads: []policy.Read{}}
	result.Want = Answer{Action: string(c.Action), Source: c.Source, Reason: c.Reason, Error: c.Fails}
	if e.snapshot, err = e.facts(i, e.options); err != nil {
		return result, err
	}
	subject, err := e.subject(c.from())
	if err != nil {
		return result, e.source.Errorf(key+".from", "%v", err)
	}
	m, settings, err := e.module, e.file.Sidecar.Config, e.loadErr
	if c.Config != nil {
		own := e.trial
		own.file.Sidecar.Config, settings = c.Config, c.Config
		if m, err = own.load(ctx); err == nil {
			defer func() { err = errors.Join(err, m.Close(ctx)) }()
		}
	}
	notes := newNotes()
	var evaluation policy.Evaluation
	if err == nil {
		evaluation, err = m.Decide(ctx, asked{subject.View, notes})
	}
	e.covered.add(subject.View, settings, notes, evaluation.Reads)
	mend := mistyped(notes.unknown)
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case err != nil:
		e.covered.settings(settings)
		if way := change(err); way != "" {
			mend = append(mend, way)
		}
		result.answered(Answer{Error: policy.Message(err)}, mend)
	default:
		result.Reads = append(result.Reads, evaluation.Reads...)
		result.answered(e.answer(evaluation, c.To), mend)
	}
	return result, nil
}

// answered completes a result; what may mend it is told if it is not what is expected.
func (r *CaseResult) answered(got Answer, mend []string) {
	r.Got = got
	if r.OK = r.Want.accepts(got); !r.OK {
		r.Change = strings.Join(mend, "; ")
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

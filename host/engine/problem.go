package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/snatd/snatd/host/policy"
)

// Problem is something that an operator should mend: where it is, and what.
type Problem struct {
	// Source is where it is, such as "module 10-partners.wasm", and Message what is wrong.
	Source  string `json:"source"`
	Message string `json:"message"`
}

func (p Problem) String() string { return p.Source + ": " + p.Message }

const (
	// moduleSource begins the source of what is wrong with a module.
	moduleSource = "module "
	// configurationSource is that of what is wrong with the configuration's files and variables,
	// and of what of it waits for a start.
	configurationSource = "configuration"
)

// problems are what a stage met, and the sources of those that may pass without
// any input being changed, so that trying again helps.
type problems struct {
	list    []Problem
	passing []string
}

func (p *problems) add(source string, err error) {
	p.list = append(p.list, Problem{source, err.Error()})
}

// addPassing adds a problem that trying again may mend.
func (p *problems) addPassing(source string, err error) {
	p.add(source, err)
	p.passing = append(p.passing, source)
}

// addModule adds why a module does not load.
func (p *problems) addModule(name string, err error) {
	p.list = append(p.list, Problem{moduleSource + name, policy.Message(err)})
}

// has says whether something of a source is among them.
func (p *problems) has(source string) bool {
	return slices.ContainsFunc(p.list, func(other Problem) bool { return other.Source == source })
}

func (p *problems) join(more problems) {
	p.list = append(p.list, more.list...)
	p.passing = append(p.passing, more.passing...)
}

// failures are the modules' errors in a pass. One that many subjects share is
// told once.
type failures struct {
	order []string
	first map[string]failure
	count map[string]int
}

type failure struct {
	subject string
	err     error
}

func (f *failures) add(subject string, err error) {
	text := err.Error()
	if f.count == nil {
		f.first, f.count = map[string]failure{}, map[string]int{}
	}
	if f.count[text]++; f.count[text] == 1 {
		f.first[text] = failure{subject, err}
		f.order = append(f.order, text)
	}
}

// of says how many subjects a module failed for, which it does once for each, and
// why, first.
func (f *failures) of(module string) (subjects int, why string) {
	for _, text := range f.order {
		err := f.first[text].err
		if failed, ok := errors.AsType[*policy.Error](err); ok && failed.Module == module {
			subjects += f.count[text]
			why = cmp.Or(why, policy.Message(err))
		}
	}
	return subjects, why
}

func (f *failures) problems() (p problems) {
	for _, text := range f.order {
		first := f.first[text]
		where := first.subject
		if n := f.count[text]; n > 1 {
			where = fmt.Sprintf("%s and %d more", where, n-1)
		}
		source := "policy"
		var failed *policy.Error
		if errors.As(first.err, &failed) {
			source = moduleSource + failed.Module
		}
		p.list = append(p.list, Problem{source, "for " + where + ": " + policy.Message(first.err)})
	}
	return p
}

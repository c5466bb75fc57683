package engine

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/link"
)

// Inputs is everything that a pass decides from, read from where it really is.
type Inputs struct {
	Config   config.Config
	Document *facts.Document
	Link     link.Link
	Modules  []dropin.File
}

// Problem is something that an operator should mend: where it is, and what.
type Problem struct {
	Source  string `json:"source"`
	Message string `json:"message"`
}

func (p Problem) String() string { return p.Source + ": " + p.Message }

// Reader reads inputs and keeps the last good value of each, so that a source
// that fails withdraws nothing.
type Reader struct {
	load func() (config.Config, error)
	last Inputs
	have struct{ config, link bool }
}

// NewReader returns a Reader of the configuration that load returns, and of
// all that it names.
func NewReader(load func() (config.Config, error)) *Reader {
	return &Reader{load: load}
}

// Read reads all inputs. It returns the problems met, and an error if there is
// an input that never had a good value: then nothing can be decided yet.
func (r *Reader) Read() (Inputs, []Problem, error) {
	var problems []Problem
	report := func(source string, err error) {
		problems = append(problems, Problem{source, err.Error()})
	}

	if cfg, err := r.load(); err == nil {
		r.last.Config, r.have.config = cfg, true
	} else {
		report("configuration", err)
	}
	if !r.have.config {
		return r.last, problems, errors.New("waiting for a valid configuration")
	}
	cfg := r.last.Config

	if document, err := facts.Load(cfg.Facts.File, cfg.Network.IPFamily); err == nil {
		r.last.Document = document
	} else {
		report("facts", err)
	}

	if primary, err := link.Primary(cfg.Network.PrimaryInterface, cfg.Network.PrimaryAddress); err == nil {
		r.last.Link, r.have.link = primary, true
	} else {
		report("network", err)
	}

	files, err := dropin.Read(cfg.Policies.Directory)
	switch {
	case err == nil:
		r.last.Modules = files
	case errors.Is(err, fs.ErrNotExist):
		r.last.Modules = nil
	default:
		report("policies", err)
	}

	switch {
	case r.last.Document == nil:
		return r.last, problems, fmt.Errorf("waiting for valid facts in %s", cfg.Facts.File)
	case !r.have.link:
		return r.last, problems, errors.New("waiting for the primary interface and its address")
	}
	return r.last, problems, nil
}

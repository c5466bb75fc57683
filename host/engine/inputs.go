package engine

import (
	"errors"
	"fmt"

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

// Reader reads inputs and keeps the last good value of each, so that a source
// that fails withdraws nothing.
type Reader struct {
	load    func() (config.Config, error)
	last    Inputs
	loaded  bool // a configuration was valid once
	linked  bool // the primary interface was found once
	dropins *dropin.Directory
	path    string // of dropins
}

// NewReader returns a Reader of the configuration that load returns, and of
// all that it names.
func NewReader(load func() (config.Config, error)) *Reader { return &Reader{load: load} }

// Read reads all inputs. It returns the problems met, and an error if there is
// an input that never had a good value: then nothing can be decided yet.
func (r *Reader) Read() (Inputs, []Problem, error) {
	var p problems
	r.readConfig(&p)
	if !r.loaded {
		return r.last, p.list, errors.New("waiting for a valid configuration")
	}
	r.readFacts(&p)
	r.readModules(&p)
	switch {
	case r.last.Document == nil:
		return r.last, p.list, fmt.Errorf("waiting for valid facts in %s", r.last.Config.Facts.File)
	case !r.linked && r.last.Config.Network.IPFamily != config.IPv6:
		return r.last, p.list, errors.New("waiting for the primary interface and its address")
	}
	return r.last, p.list, nil
}

// readConfig takes a new configuration only together with the primary interface
// that it names: one that names another which does not exist is a bad one.
func (r *Reader) readConfig(p *problems) {
	cfg, err := r.load()
	if err != nil {
		p.add("configuration", err)
		if !r.loaded {
			return
		}
		cfg = r.last.Config
	}
	primary, err := link.Primary(cfg.Network.PrimaryInterface, cfg.Network.PrimaryAddress)
	if err == nil {
		err = NetworkOf(cfg, primary).Check()
	}
	old := r.last.Config.Network
	same := cfg.Network.PrimaryInterface == old.PrimaryInterface && cfg.Network.PrimaryAddress == old.PrimaryAddress
	switch {
	case err == nil:
		r.last.Config, r.loaded = cfg, true
		r.last.Link, r.linked = primary, true
	case cfg.Network.IPFamily == config.IPv6:
		r.last.Config, r.loaded = cfg, true // nothing is translated to an address
	default:
		p.add("network", err)
		if !r.linked || same && NetworkOf(cfg, r.last.Link).Check() == nil {
			r.last.Config, r.loaded = cfg, true
		}
	}
}

func (r *Reader) readFacts(p *problems) {
	document, err := facts.Load(r.last.Config.Facts.File, r.last.Config.Network.IPFamily)
	if err != nil {
		p.add("facts", err)
		return
	}
	r.last.Document = document
}

func (r *Reader) readModules(p *problems) {
	if path := r.last.Config.Policies.Directory; r.dropins == nil || r.path != path {
		r.dropins, r.path = dropin.NewDirectory(path), path
	}
	files, err := r.dropins.Read()
	if err != nil {
		p.addPassing("policies", err)
		return
	}
	r.last.Modules = files
}

// linkChanged says whether the primary interface is another than at the last
// Read; most changes of links and routes on a node are about pods.
func (r *Reader) linkChanged() bool {
	if !r.loaded || !r.linked {
		return true
	}
	network := r.last.Config.Network
	primary, err := link.Primary(network.PrimaryInterface, network.PrimaryAddress)
	return err != nil || primary != r.last.Link
}

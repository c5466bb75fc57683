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
	Config config.Config
	Link   link.Link
	// Snapshot is made of the facts and of what the others say.
	Snapshot *facts.Snapshot
	Modules  []dropin.File
}

// Reader reads inputs and keeps the last good value of each, so that a source
// that fails withdraws nothing.
type Reader struct {
	load     func() (config.Config, error)
	last     Inputs
	document *facts.Document // of the last snapshot
	loaded   bool            // a configuration was valid once
	linked   bool            // the primary interface was found once
	pending  bool            // a configuration waits for its primary interface
	dropins  *dropin.Directory
	path     string // of dropins
}

// NewReader returns a Reader of the configuration that load returns, and of
// all that it names.
func NewReader(load func() (config.Config, error)) *Reader { return &Reader{load: load} }

// Read reads all inputs. It returns the problems met, and an error if there is
// an input that never had a good value: then nothing can be decided yet.
func (r *Reader) Read() (Inputs, []Problem, error) {
	in, p, err := r.read()
	return in, p.list, err
}

func (r *Reader) read() (in Inputs, p problems, err error) {
	r.readConfig(&p)
	if !r.loaded {
		return r.last, p, errors.New("waiting for a valid configuration")
	}
	r.readModules(&p)
	if !r.linked && r.last.Config.Network.IPFamily != config.IPv6 {
		return r.last, p, errors.New("waiting for the primary interface and its address")
	}
	r.readFacts(&p)
	if r.last.Snapshot == nil {
		err = fmt.Errorf("waiting for valid facts in %s", r.last.Config.Facts.File)
	}
	return r.last, p, err
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
	r.pending = err != nil
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

// readFacts makes a snapshot of the facts, or of the last good ones, with what
// the configuration and the link say now.
func (r *Reader) readFacts(p *problems) {
	cfg := r.last.Config
	settings := facts.Settings{
		IPFamily:       cfg.Network.IPFamily,
		PrimaryAddress: r.last.Link.Addr,
		External:       cfg.SNAT.External,
		ExcludeCIDRs:   cfg.SNAT.ExcludeCIDRs,
		WithoutPods:    cfg.Facts.Pods == config.PodsNone,
	}
	document, err := facts.Load(cfg.Facts.File, cfg.Network.IPFamily)
	if err == nil {
		var snapshot *facts.Snapshot
		if snapshot, err = facts.New(document, settings); err == nil {
			r.last.Snapshot, r.document = snapshot, document
			return
		}
	}
	p.add("facts", err)
	if r.document == nil {
		return
	}
	if snapshot, err := facts.New(r.document, settings); err == nil {
		r.last.Snapshot = snapshot
	}
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
	if !r.loaded || !r.linked || r.pending {
		return true
	}
	network := r.last.Config.Network
	primary, err := link.Primary(network.PrimaryInterface, network.PrimaryAddress)
	return err != nil || primary != r.last.Link
}

package engine

import (
	"context"
	"errors"
	"log/slog"
	"time"

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
	metadata metadata
	last     Inputs
	file     *facts.Document  // the last good content of the facts file
	read     facts.Provenance // of the facts file
	loaded   bool             // a configuration was valid once
	linked   bool             // the primary interface was found once
	pending  bool             // a configuration waits for its primary interface
	dropins  *dropin.Directory
	path     string // of dropins
}

// NewReader returns a Reader of the configuration that load returns, and of
// all that it names.
func NewReader(load func() (config.Config, error), log *slog.Logger) *Reader {
	return &Reader{load: load, metadata: metadata{log: log}}
}

// Once reads all inputs for a caller that does not follow them, and waits for
// the services that have to be asked.
func (r *Reader) Once(ctx context.Context) (Inputs, []Problem, error) {
	defer r.metadata.close()
	in, p, waiting := r.readAll()
	fresh, err := r.metadata.follow(ctx, in.Config.Facts)
	if err != nil {
		return in, nil, err
	}
	if fresh {
		select {
		case <-r.metadata.changed():
		case <-ctx.Done():
			return in, nil, ctx.Err()
		}
		in, p, waiting = r.readAll()
		r.metadata.report(&p)
	}
	return in, p.list, waiting
}

// readAll reads all inputs. It returns the problems met, and an error if there is
// an input that never had a good value: then nothing can be decided yet.
func (r *Reader) readAll() (in Inputs, p problems, err error) {
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
		err = errors.New("waiting for facts: the VPC's CIDRs, without which nothing is translated")
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
	primary, err := r.primary(cfg)
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

// primary finds the primary interface, by what the metadata service says where
// the configuration does not.
func (r *Reader) primary(cfg config.Config) (link.Link, error) {
	name, addr := cfg.Network.PrimaryInterface, cfg.Network.PrimaryAddress
	instance, _ := r.metadata.latest()
	if name == "" && instance != nil {
		found, err := link.ByMAC(instance.PrimaryMAC)
		if err != nil {
			return link.Link{}, err
		}
		if name = found; !addr.IsValid() {
			addr = instance.PrimaryAddress()
		}
	}
	return link.Primary(name, addr)
}

// readFacts makes a snapshot of the facts with what the configuration and the
// link say now. A file that is bad now leaves its last good content in force, and
// holds nothing else up.
func (r *Reader) readFacts(p *problems) {
	cfg := r.last.Config
	file, err := r.readFile(cfg.Facts)
	if err == nil {
		var snapshot *facts.Snapshot
		if snapshot, err = r.snapshot(cfg, file); err == nil {
			r.last.Snapshot, r.file = snapshot, file
			return
		}
	}
	switch instance, _ := r.metadata.latest(); {
	case cfg.Facts.VPC != config.VPCIMDS || instance != nil || file == nil:
		p.add("facts", err)
	case r.file == nil:
		r.file = file // it lacks nothing; the service does, which is said elsewhere
	}
	if r.file == nil {
		return
	}
	if snapshot, err := r.snapshot(cfg, r.file); err == nil {
		r.last.Snapshot = snapshot
	}
}

// readFile reads the facts file, if the configuration needs anything of it.
func (r *Reader) readFile(cfg config.Facts) (*facts.Document, error) {
	if cfg.VPC != config.VPCStatic && cfg.Pods != config.PodsStatic {
		r.read = facts.Provenance{}
		return &facts.Document{}, nil
	}
	document, err := facts.Load(cfg.File)
	r.read.Source = cfg.File
	if err != nil {
		r.read.Failure, r.read.Error = time.Now(), err.Error()
		return nil, err
	}
	r.read.Success, r.read.Error = time.Now(), ""
	return document, nil
}

// snapshot puts together what the sources say.
func (r *Reader) snapshot(cfg config.Config, file *facts.Document) (*facts.Snapshot, error) {
	document := *file
	if cfg.Facts.VPC == config.VPCIMDS {
		instance, _ := r.metadata.latest()
		if instance == nil {
			return nil, errors.New("the metadata service was not read yet")
		}
		document.VPC.CIDRs = instance.VPCCIDRs
		document.Node.Zone, document.Node.Region = instance.Zone, instance.Region
		document.Node.InstanceID, document.Node.InstanceType = instance.ID, instance.Type
	}
	return facts.New(&document, facts.Settings{
		IPFamily:       cfg.Network.IPFamily,
		PrimaryAddress: r.last.Link.Addr,
		External:       cfg.SNAT.External,
		ExcludeCIDRs:   cfg.SNAT.ExcludeCIDRs,
		WithoutPods:    cfg.Facts.Pods == config.PodsNone,
	})
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
	primary, err := r.primary(r.last.Config)
	return err != nil || primary != r.last.Link
}

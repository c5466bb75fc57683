package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
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
	// Uncounted says that the kernel has no named counters, so that connections are not
	// counted.
	Uncounted bool
	// Elsewhere says that the facts are recorded ones of another node, for a caller that
	// only plans.
	Elsewhere bool
}

// Reader reads inputs and keeps the last good value of each, so that a source
// that fails withdraws nothing.
type Reader struct {
	load     func() (config.Config, error)
	services services
	last     Inputs
	file     *facts.Document  // the last good content of the facts file; nil if it is not read
	earlier  *facts.Document  // what the run before knew whose rules the kernel holds; nil if that is lost
	foreign  bool             // that is of another node, which was said
	read     facts.Provenance // of the facts file
	network  facts.Provenance // of the primary interface
	loaded   bool             // a configuration was valid once
	linked   bool             // the primary interface was found once
	pending  bool             // a configuration waits for its primary interface
	dropins  *dropin.Directory
	told     []func() []facts.Provenance // of services that Once asked
	path     string                      // of dropins
	began    time.Time
	// patient says that the kernel holds rules of an earlier run, which are better
	// than rules made without some of the facts.
	patient bool
	// complete says that every source has to have answered.
	complete bool
}

// NewReader returns a Reader of the configuration that load returns, and of
// all that it names.
func NewReader(load func() (config.Config, error), log *slog.Logger) *Reader {
	return &Reader{load: load, services: services{log: log}, network: facts.Provenance{Source: "netlink"}, began: time.Now()}
}

// Once reads all inputs for a caller that does not follow them, and waits for
// the services that have to be asked.
func (r *Reader) Once(ctx context.Context) (Inputs, []Problem, error) {
	defer r.services.close()
	r.complete = true
	in, p, waiting := r.readAll()
	for {
		begun, unfollowed := r.services.follow(ctx, in.Config)
		if !begun {
			p.join(unfollowed)
			break
		}
		if err := r.services.await(ctx); err != nil {
			return in, nil, err
		}
		in, p, waiting = r.readAll()
	}
	r.services.report(&p)
	r.told = fixed(r.services.sources())
	unwatched(in.Modules)
	return in, p.list, waiting
}

// unwatched takes files for what they are, where nobody looks whether they change.
func unwatched(files []dropin.File) {
	for i := range files {
		files[i].Writing = time.Time{}
	}
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
	err = r.readFacts(&p)
	return r.last, p, err
}

// readConfig takes a new configuration only together with the primary interface
// that it names: one that names another which does not exist is a bad one.
func (r *Reader) readConfig(p *problems) {
	cfg, err := r.load()
	if err != nil {
		p.add(configurationSource, err)
		if !r.loaded {
			return
		}
		cfg = r.last.Config
	}
	primary, err := r.primary(cfg)
	if err == nil {
		err = NetworkOf(cfg, primary).Check()
	}
	r.network = observed(r.network, err)
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
	recorded, elsewhere := r.replayed(cfg)
	if r.last.Elsewhere = elsewhere; elsewhere {
		return recorded, nil
	}
	name, addr := cfg.Network.PrimaryInterface, cfg.Network.PrimaryAddress
	instance := r.services.imds.latest()
	if name == "" && instance != nil {
		found, err := link.ByMAC(instance.PrimaryMAC, instance.Primary().PrimaryAddress())
		if err != nil {
			return link.Link{}, err
		}
		if name = found; !addr.IsValid() {
			addr = instance.Primary().PrimaryAddress()
		}
	}
	return link.Primary(name, addr)
}

// replayed is the primary interface of another node that a facts file was recorded
// on, for a caller that only plans.
func (r *Reader) replayed(cfg config.Config) (link.Link, bool) {
	network := cfg.Network
	if !r.complete || cfg.Facts.VPC != config.VPCStatic || cfg.Facts.Pods != config.PodsStatic ||
		network.PrimaryInterface != "" || network.PrimaryAddress.IsValid() {
		return link.Link{}, false
	}
	document, err := facts.Load(cfg.Facts.File)
	if err != nil { // which is said where the facts are read
		return link.Link{}, false
	}
	primary := document.Node.PrimaryAddress
	if here, err := link.Addresses(); err == nil && slices.Contains(here, primary) {
		found, err := link.Primary(document.Node.PrimaryInterface, primary)
		return found, err == nil
	}
	return link.Link{Name: document.Node.PrimaryInterface, Addr: primary, Addrs: document.Node.Addresses}, primary.IsValid()
}

// files are the sources that the reader reads itself. One that is followed, and
// that nothing was wrong with, is as it was read: its change would have been told.
func (r *Reader) files(links, files bool) []followed {
	return []followed{{r.network, links}, {r.read, files}}
}

// followed is a source, and whether its changes are told.
type followed struct {
	facts.Provenance
	told bool
}

// observed is a provenance after another reading.
func observed(p facts.Provenance, err error) facts.Provenance {
	if now := time.Now(); err != nil {
		p.Fail(now, err.Error())
	} else {
		p.Success = now
		p.Mend()
	}
	return p
}

func (r *Reader) readModules(p *problems) {
	if path := r.last.Config.Policies.Directory; r.dropins == nil || r.path != path {
		r.dropins, r.path = dropin.NewDirectory(path), path
	}
	files, err := r.dropins.Read()
	if err != nil {
		p.addPassing("policies", err)
		unwatched(r.last.Modules)
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
	return err != nil || !primary.Equal(r.last.Link)
}

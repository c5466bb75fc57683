package engine

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/plugins"
	defaultpolicy "github.com/snatd/snatd/plugins/default"
	routespolicy "github.com/snatd/snatd/plugins/routes"
	"github.com/snatd/snatd/rules"
)

// Names of the modules of this binary: that is always last, and the one that may
// be put before it.
const (
	DefaultModule = "default"
	RoutesModule  = "routes"
)

// Modules are the loaded policy modules in order: the drop-ins, the module
// routes if it is wanted, and the default. A version that does not load leaves
// the one before it deciding.
//
// All load beside the loop, which one goroutine runs and which waits for none:
// the modules of this binary decide natively until they have loaded.
type Modules struct {
	ctx    context.Context // what loads ends with it
	engine *policy.Engine
	log    *slog.Logger
	set    *policy.Set // of those that decide
	shadow *policy.Set // of those that would
	loads  loads
	loaded map[string]*module
	routes *shipped // nil unless it is wanted
	last   *shipped // the default
	// compiler makes one ruleset after the other of what they decide.
	compiler rules.Compiler
	// compiled is told how long that took; nil for nobody.
	compiled func(time.Duration)
}

// module is a drop-in, and what came of its newest version.
type module struct {
	verified               // the version that decides
	policy   policy.Policy // of it; nil if no version ever loaded
	grants   dropin.Grants // that it has
	shadow   bool          // it decides nothing
	pending  string        // identity of the version that is being loaded
	cancel   func()        // gives up what is pending
	tried    string        // identity of the newest version that was tried
	err      error         // why that was refused
	told     error         // what is told of that: not what may be half written
	now      dropin.File   // the file as it is now
	would    *Shadow       // what it would change; nil if it decides
	compared compared      // what would follows from
	failing  int           // subjects that it fails for, out of so many, and why
	of       int
	why      string
	// A refusal that says nothing about the module is tried again at retry,
	// after so many failures.
	retry    time.Time
	failures int
	history  past
}

// NewModules returns the default module alone. A nil engine is one that does not
// start. What is loading when ctx ends is given up.
func NewModules(ctx context.Context, engine *policy.Engine, log *slog.Logger) *Modules {
	m := &Modules{
		ctx: ctx, engine: engine, log: log, set: policy.NewSet(nil), shadow: policy.NewSet(nil),
		loads: newLoads(), loaded: map[string]*module{},
	}
	if engine == nil {
		log.Warn("without a Wasm engine the shipped modules run natively, and drop-ins do not run")
	}
	m.last = m.ship(DefaultModule, plugins.Default(), defaultpolicy.Decide)
	return m
}

// Sync makes the modules those of files, with the module routes if it is wanted,
// and returns the problems met. A version that is new begins to load, verified on
// the snapshot's subjects; it decides from the Sync after changed has a tick.
func (m *Modules) Sync(files []dropin.File, routes bool, snapshot *facts.Snapshot) (p problems) {
	for _, done := range m.loads.take() {
		m.adopt(done)
	}
	present := map[string]bool{}
	var order, shadows []policy.Policy
	for _, file := range files {
		present[file.Name] = true
		entry := m.loaded[file.Name]
		if entry == nil {
			entry = &module{}
			m.loaded[file.Name] = entry
		}
		m.update(entry, file, snapshot)
		if entry.tell(); entry.told != nil {
			p.addModule(file.Name, entry.told)
		}
		switch {
		case entry.policy == nil:
		case entry.shadow:
			shadows = append(shadows, entry.policy)
		default:
			order = append(order, entry.policy)
		}
	}
	m.set.Replace(append(order, m.shippedPolicies(routes)...))
	m.shadow.Replace(shadows)
	for name, entry := range m.loaded {
		if !present[name] {
			m.log.Info("module removed", "module", name)
			entry.abandon()
			m.close(entry.policy)
			delete(m.loaded, name)
		}
	}
	return p
}

// shippedPolicies are the modules of this binary that are wanted, in order.
func (m *Modules) shippedPolicies(routes bool) []policy.Policy {
	switch {
	case routes && m.routes == nil:
		m.routes = m.ship(RoutesModule, plugins.Routes(), routespolicy.Decide)
	case !routes && m.routes != nil:
		m.log.Info("module removed", "module", RoutesModule)
		m.close(m.routes.policy)
		m.routes = nil
	}
	var list []policy.Policy
	for _, s := range m.shipped() {
		list = append(list, s.policy)
	}
	return list
}

// shipped are the modules of this binary that are wanted, in order.
func (m *Modules) shipped() []*shipped {
	if m.routes != nil {
		return []*shipped{m.routes, m.last}
	}
	return []*shipped{m.last}
}

// update begins to load file if it is not the version that was tried last.
func (m *Modules) update(entry *module, file dropin.File, snapshot *facts.Snapshot) {
	entry.now = file
	if file.Err != nil {
		entry.abandon()
		entry.err, entry.tried, entry.retry = file.Err, "", time.Time{}
		return
	}
	if file.Identity() == entry.pending {
		return
	}
	if file.Identity() != entry.tried {
		entry.failures = 0
	} else if entry.retry.IsZero() || time.Now().Before(entry.retry) {
		return
	}
	entry.abandon()
	ctx, cancel := context.WithCancel(m.ctx)
	entry.pending, entry.cancel, entry.retry = file.Identity(), cancel, time.Time{}
	m.loads.begin(ctx, func() loaded { return m.load(ctx, file, snapshot) })
}

// coming says that a newer version than those that were tried is being loaded.
func (e *module) coming() bool { return e.pending != "" && e.pending != e.tried }

// unfinished says that the file as it is now was refused and may not be whole yet.
func (e *module) unfinished() bool { return !e.coming() && e.err != nil && !e.now.Writing.IsZero() }

// tell makes what is told of the module what came of its file. Until that is known
// it is what it was.
func (e *module) tell() {
	if !e.coming() && !e.unfinished() {
		e.told = e.err
	}
}

// abandon gives up the version that is being loaded, if there is one.
func (e *module) abandon() {
	if e.cancel != nil {
		e.cancel()
	}
	e.pending, e.cancel = "", nil
}

// adopt makes a version that has loaded the one that decides.
func (m *Modules) adopt(done loaded) {
	if done.shipped != nil {
		m.adoptShipped(done)
		return
	}
	entry := m.loaded[done.file.Name]
	if entry == nil || entry.pending != done.file.Identity() {
		m.close(done.policy) // the file is another one by now
		return
	}
	if revoked(entry.grants, done.file.Sidecar.Grants) {
		m.revoke(done.file.Name, entry)
	}
	err := done.err
	if done.undecided != nil && entry.policy != nil && !entry.shadow {
		// Without a version that decides there is nothing to lose by it.
		err = done.undecided
		m.close(done.policy)
	}
	entry.err, entry.tried, entry.retry = err, entry.pending, time.Time{}
	entry.history.came(err)
	entry.abandon()
	if err != nil {
		if done.undecided != nil || !final(err) {
			entry.failures++
			pause := policy.Backoff(entry.failures)
			if done.undecided == nil {
				pause *= retryFactor // other facts may come any time
			}
			entry.retry = time.Now().Add(pause)
		}
		return
	}
	entry.history.ends(entry.policy)
	m.close(entry.policy)
	entry.grants = done.file.Sidecar.Grants
	entry.verified, entry.policy, entry.shadow, entry.would = done.verified, done.policy, done.file.Sidecar.Shadow, nil
	entry.compared = compared{}
	m.log.Info("module loaded", "module", done.file.Name, "sha256", done.file.SHA256, "shadow", entry.shadow,
		"duration", done.took.Round(time.Millisecond))
}

// revoked says whether grants are withdrawn.
func revoked(before, now dropin.Grants) bool {
	return before.Translate && !now.Translate ||
		slices.ContainsFunc(before.Sources, func(a netip.Addr) bool { return !slices.Contains(now.Sources, a) })
}

// revoke ends what a module decided with grants that it does not have any more:
// the operator's word counts more than its last good decision.
func (m *Modules) revoke(name string, entry *module) {
	m.log.Info("grants are withdrawn, what the module decided with them ends", "module", name)
	entry.history.ends(entry.policy)
	m.close(entry.policy)
	entry.verified, entry.policy, entry.grants = verified{}, nil, dropin.Grants{}
	m.set.Forget(name)
	m.shadow.Forget(name)
}

// retryFactor makes the pauses between tries of a module that does not load ten
// times as long as others: each try may cost a second.
const retryFactor = 10

// awaited are the drop-ins that a first decision waits for: those of which no
// version decides, and whose file is being loaded, or may be half written.
func (m *Modules) awaited() (names []string) {
	for name, entry := range m.loaded {
		if entry.policy == nil && (entry.pending != "" || entry.unfinished()) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// settle makes the modules those of the inputs, and waits until the drop-ins have
// loaded, up to a time. Who follows the inputs has better to do meanwhile.
func (m *Modules) settle(ctx context.Context, in Inputs, most time.Duration) {
	late := time.NewTimer(most)
	defer late.Stop()
	for {
		m.Sync(in.Modules, in.Config.Policies.Routes, in.Snapshot)
		if len(m.awaited()) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-late.C:
			m.late(most)
			return
		case <-m.loads.changed:
		}
	}
}

// late says that a first decision waited in vain.
func (m *Modules) late(waited time.Duration) {
	m.log.Warn("modules take long to load, the others decide without them", "modules", m.awaited(), "waited", waited)
}

// endPass ends a pass over these subjects; provisional says that a stand-in decided
// for one of them.
func (m *Modules) endPass(subjects []string, provisional bool) {
	m.set.Retain(subjects)
	m.shadow.Retain(subjects)
	for _, s := range m.shipped() {
		if s.behind != nil && !provisional {
			s.behind.Reset()
		}
	}
}

// nextTry is when a pass may achieve more although no input changes.
func (m *Modules) nextTry() time.Time {
	next := earlier(m.set.NextTry(), m.shadow.NextTry())
	for _, s := range m.shipped() {
		if next = earlier(next, s.retry); s.behind != nil {
			next = earlier(next, s.behind.NextTry())
		}
	}
	for _, entry := range m.loaded {
		if next = earlier(next, entry.retry); entry.unfinished() {
			next = earlier(next, entry.now.Writing)
		}
	}
	return next
}

// report adds why modules of this binary decide natively for now.
func (m *Modules) report(p *problems) {
	for _, s := range m.shipped() {
		if err := s.failure(); err != nil {
			p.addModule(s.name, err)
		}
	}
}

// final says whether a version that failed to load would fail again: a file
// that cannot be read, or a busy machine, says nothing about the module.
func final(err error) bool {
	var failed *policy.Error
	return errors.As(err, &failed) && !policy.Transient(err)
}

func (m *Modules) close(p policy.Policy) {
	if p == nil {
		return
	}
	if err := p.Close(context.WithoutCancel(m.ctx)); err != nil {
		m.log.Warn("closing a module failed", "module", p.Name(), "error", err)
	}
}

// Close waits for what loads and closes what has loaded last; ctx of NewModules
// has ended.
func (m *Modules) Close() {
	m.loads.end()
	for _, done := range m.loads.take() {
		m.close(done.policy)
	}
}

package engine

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/plugins"
	defaultpolicy "github.com/snatd/snatd/plugins/default"
	routespolicy "github.com/snatd/snatd/plugins/routes"
)

// Names of the modules of this binary: that is always last, and the one that may
// be put before it.
const (
	DefaultModule = "default"
	RoutesModule  = "routes"
)

// ModuleStatus is what is known about one module.
type ModuleStatus struct {
	Name   string `json:"name"`
	State  string `json:"state"`            // active, failed (an older version may still decide), or native
	SHA256 string `json:"sha256,omitempty"` // of the version that decides
	Error  string `json:"error,omitempty"`  // why the file as it is now does not decide
}

// Modules are the loaded policy modules in order: the drop-ins, the module
// routes if it is wanted, and the default. A version that does not load leaves
// the one before it deciding.
type Modules struct {
	engine *policy.Engine
	log    *slog.Logger
	set    *policy.Set
	loaded map[string]*module
	routes *shipped // nil unless it is wanted
	last   *shipped // the default
}

// module is a drop-in, and what came of its newest version.
type module struct {
	policy policy.Policy // nil if no version ever loaded
	sha256 string        // of the version that decides
	tried  string        // identity of the newest version that was tried
	err    error         // why the newest version was refused
	// A refusal that says nothing about the module is tried again at retry,
	// after so many failures.
	retry    time.Time
	failures int
}

// NewModules loads the default module. A nil engine is one that does not start.
func NewModules(ctx context.Context, engine *policy.Engine, log *slog.Logger) *Modules {
	m := &Modules{engine: engine, log: log, set: policy.NewSet(nil), loaded: map[string]*module{}}
	if engine == nil {
		log.Warn("without a Wasm engine the shipped modules run natively, and drop-ins do not run")
	}
	m.last = ship(ctx, engine, log, DefaultModule, plugins.Default(), defaultpolicy.Decide)
	return m
}

// Sync makes the loaded modules those of files, with the module routes if it is
// wanted, and returns the problems met.
func (m *Modules) Sync(ctx context.Context, files []dropin.File, routes bool) (p problems) {
	present := map[string]bool{}
	order := make([]policy.Policy, 0, len(files)+2)
	for _, file := range files {
		present[file.Name] = true
		entry := m.loaded[file.Name]
		if entry == nil {
			entry = &module{}
			m.loaded[file.Name] = entry
		}
		m.update(ctx, entry, file)
		if entry.err != nil {
			p.addModule(file.Name, entry.err)
		}
		if entry.policy != nil {
			order = append(order, entry.policy)
		}
	}
	unwanted := m.routes
	if routes {
		if unwanted = nil; m.routes == nil {
			m.routes = ship(ctx, m.engine, m.log, RoutesModule, plugins.Routes(), routespolicy.Decide)
		}
		order = append(order, m.routes.policy)
	}
	m.set.Replace(append(order, m.last.policy))
	if unwanted != nil {
		m.log.Info("module removed", "module", RoutesModule)
		m.close(ctx, unwanted.policy)
		m.routes = nil
	}
	for name, entry := range m.loaded {
		if !present[name] {
			m.log.Info("module removed", "module", name)
			m.close(ctx, entry.policy)
			delete(m.loaded, name)
		}
	}
	return p
}

// update loads file if it is not the version that was tried last.
func (m *Modules) update(ctx context.Context, entry *module, file dropin.File) {
	if file.Err != nil {
		entry.err, entry.tried, entry.retry = file.Err, "", time.Time{}
		return
	}
	if file.Identity() != entry.tried {
		entry.failures = 0
	} else if entry.retry.IsZero() || time.Now().Before(entry.retry) {
		return
	}
	start := time.Now()
	loaded, err := m.load(ctx, file)
	entry.err, entry.tried, entry.retry = err, file.Identity(), time.Time{}
	if err != nil {
		if !final(err) {
			entry.failures++
			entry.retry = time.Now().Add(retryFactor * policy.Backoff(entry.failures))
		}
		return
	}
	// Compiling takes many times the memory that the module does.
	debug.FreeOSMemory()
	m.close(ctx, entry.policy)
	entry.policy, entry.sha256 = policy.Memoize(loaded), file.SHA256
	m.log.Info("module loaded", "module", file.Name, "sha256", file.SHA256, "duration", time.Since(start).Round(time.Millisecond))
}

// retryFactor makes the pauses between tries of a module that does not load ten
// times as long as others: each try may cost a second.
const retryFactor = 10

// endPass ends a pass over these subjects; provisional says that a stand-in decided
// for one of them.
func (m *Modules) endPass(subjects []string, provisional bool) {
	m.set.Retain(subjects)
	for _, s := range m.shipped() {
		if s.behind != nil && !provisional {
			s.behind.Reset()
		}
	}
}

// shipped are the modules of this binary that are wanted, in order.
func (m *Modules) shipped() []*shipped {
	if m.routes != nil {
		return []*shipped{m.routes, m.last}
	}
	return []*shipped{m.last}
}

// nextTry is when a pass may achieve more although no input changes.
func (m *Modules) nextTry() time.Time {
	next := m.set.NextTry()
	for _, s := range m.shipped() {
		if s.behind != nil {
			next = earlier(next, s.behind.NextTry())
		}
	}
	for _, entry := range m.loaded {
		next = earlier(next, entry.retry)
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

func (m *Modules) load(ctx context.Context, file dropin.File) (*policy.Module, error) {
	if m.engine == nil {
		return nil, errors.New("there is no Wasm engine on this machine: the log says why")
	}
	wasm, err := file.Open()
	if err != nil {
		return nil, err
	}
	grants := policy.Grants{Translate: file.Sidecar.Grants.Translate}
	return m.engine.Load(ctx, file.Name, wasm, file.Sidecar.Config, grants)
}

func (m *Modules) close(ctx context.Context, p policy.Policy) {
	if p == nil {
		return
	}
	if err := p.Close(ctx); err != nil {
		m.log.Warn("closing a module failed", "module", p.Name(), "error", err)
	}
}

// Status lists the modules in order of precedence.
func (m *Modules) Status(files []dropin.File) []ModuleStatus {
	var list []ModuleStatus
	for _, file := range files {
		entry := m.loaded[file.Name]
		if entry == nil {
			continue
		}
		status := ModuleStatus{Name: file.Name, State: "active", SHA256: entry.sha256}
		if entry.err != nil {
			status.State, status.Error = "failed", moduleMessage(entry.err)
		}
		list = append(list, status)
	}
	for _, shipped := range m.shipped() {
		list = append(list, shipped.status())
	}
	return list
}

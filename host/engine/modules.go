package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/plugins"
	defaultpolicy "github.com/snatd/snatd/plugins/default"
)

// DefaultModule is the name of the module that is always last.
const DefaultModule = "default"

// ModuleStatus is what is known about one module.
type ModuleStatus struct {
	Name   string `json:"name"`
	State  string `json:"state"`            // active, failed (an older version may still decide), or native
	SHA256 string `json:"sha256,omitempty"` // of the version that decides
	Error  string `json:"error,omitempty"`  // why the file as it is now does not decide
}

// Modules are the loaded policy modules: the drop-ins in order, then the
// default. A version that does not load leaves the one before it deciding.
type Modules struct {
	engine *policy.Engine
	log    *slog.Logger
	set    *policy.Set
	loaded map[string]*module
	last   policy.Policy // the default
	native bool          // it runs natively
	// behind is the default module with the native one behind it; nil if native.
	behind *policy.Fallback
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

// NewModules loads the default module: as Wasm with the native one behind it,
// or natively alone if there is no Wasm to run or no compiler for it. A nil
// engine is one that does not start.
func NewModules(ctx context.Context, engine *policy.Engine, log *slog.Logger) *Modules {
	m := &Modules{engine: engine, log: log, set: policy.NewSet(nil), loaded: map[string]*module{}}
	grants := policy.Grants{Translate: true}
	native := policy.Native(DefaultModule, defaultpolicy.Decide, grants, log)
	wasm := plugins.Default()
	switch {
	case engine == nil:
		log.Warn("without a Wasm engine the default module runs natively, and drop-ins do not run")
	case wasm == nil:
		log.Warn("this binary carries no Wasm modules, the default module runs natively", "fix", "build with make build")
	case engine.Mode() != policy.ModeCompiler:
		log.Warn("Wasm is interpreted on this machine, the default module runs natively", "mode", engine.Mode())
	default:
		start := time.Now()
		loaded, err := engine.Load(ctx, DefaultModule, wasm, nil, grants)
		if err == nil {
			log.Info("default module loaded", "mode", engine.Mode(), "duration", time.Since(start).Round(time.Millisecond))
			m.behind = policy.WithFallback(loaded, native, log)
			m.last = policy.Memoize(m.behind)
			return m
		}
		log.Error("the default module does not load as Wasm, it runs natively", "error", err)
	}
	m.last, m.native = policy.Memoize(native), true
	return m
}

// Sync makes the loaded modules those of files, and returns the problems met.
func (m *Modules) Sync(ctx context.Context, files []dropin.File) (p problems) {
	present := map[string]bool{}
	order := make([]policy.Policy, 0, len(files)+1)
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
	m.set.Replace(append(order, m.last))
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
	if m.behind != nil && !provisional {
		m.behind.Reset()
	}
}

// nextTry is when a pass may achieve more although no input changes.
func (m *Modules) nextTry() time.Time {
	next := m.set.NextTry()
	if m.behind != nil {
		next = earlier(next, m.behind.NextTry())
	}
	for _, entry := range m.loaded {
		next = earlier(next, entry.retry)
	}
	return next
}

// defaultFailure is why the default module decides natively for now; nil if it
// does not, and if it has run natively from the start.
func (m *Modules) defaultFailure() error {
	if m.behind == nil || m.behind.Failure() == nil {
		return nil
	}
	return fmt.Errorf("%s; it decides natively", moduleMessage(m.behind.Failure()))
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
	last := ModuleStatus{Name: DefaultModule, State: "active"}
	if m.native {
		last.State = "native"
	} else if err := m.defaultFailure(); err != nil {
		last.State, last.Error = "native", err.Error()
	}
	return append(list, last)
}

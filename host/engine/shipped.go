package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
)

// shipped is a module of this binary: as Wasm with the native policy behind it, or
// natively, for good if there is no Wasm to run or no compiler for it, and
// otherwise until it has loaded.
type shipped struct {
	name   string
	wasm   []byte               // nil: it runs natively for good
	native func() policy.Policy // another one each time
	policy policy.Policy        // what decides
	verified
	// behind is the Wasm module with the native one behind it; nil while that runs
	// alone.
	behind  *policy.Fallback
	loading bool
	// A refusal that says nothing about the module is tried again at retry, after
	// so many failures.
	retry    time.Time
	failures int
	history  past
}

// shippedDeadline is how long an evaluation of a shipped module may take: it may
// have thousands of networks to go through, and the node needs its answer.
const shippedDeadline = 250 * time.Millisecond

// shippedGrants are what the modules of this binary may.
var shippedGrants = policy.Grants{Translate: true, Deadline: shippedDeadline}

// ship returns a module of this binary, which decides natively.
func (m *Modules) ship(name string, wasm []byte, decide sdk.Policy) *shipped {
	log := m.log.With("module", name)
	native := func() policy.Policy { return policy.Native(name, decide, shippedGrants, log) }
	s := &shipped{name: name, wasm: wasm, native: native, policy: policy.Memoize(native())}
	switch {
	case m.engine == nil: // said once for all
		s.wasm = nil
	case wasm == nil:
		log.Warn("this binary carries no Wasm modules, the module runs natively", "fix", "build with make build")
	case m.engine.Mode() != policy.ModeCompiler:
		log.Warn("Wasm is interpreted on this machine, the module runs natively", "mode", m.engine.Mode())
		s.wasm = nil
	}
	return s
}

// loadShipped begins to load the modules of this binary that run natively only
// until then. What they decide for the subjects of the snapshot is known when they
// take over.
func (m *Modules) loadShipped(snapshot *facts.Snapshot) {
	for _, s := range m.shipped() {
		if s.wasm == nil || s.behind != nil || s.loading || time.Now().Before(s.retry) {
			continue
		}
		s.loading, s.retry = true, time.Time{}
		m.loads.begin(m.ctx, func() loaded { return m.loadOne(s, snapshot) })
	}
}

func (m *Modules) loadOne(s *shipped, snapshot *facts.Snapshot) loaded {
	start := time.Now()
	module, err := m.engine.Load(m.ctx, s.name, s.wasm, nil, shippedGrants)
	if err != nil {
		return loaded{shipped: s, err: err}
	}
	behind := policy.WithFallback(module, s.native(), m.log.With("module", s.name))
	ready := policy.Memoize(behind)
	for _, subject := range snapshot.Subjects() {
		if m.ctx.Err() != nil {
			break
		}
		_, _ = ready.Decide(m.ctx, subject.View) // what fails fails again where it counts
	}
	sum := sha256.Sum256(s.wasm)
	return loaded{
		shipped: s, policy: ready, behind: behind,
		verified: verified{sha256: hex.EncodeToString(sum[:]), size: len(s.wasm), took: time.Since(start)},
	}
}

// adoptShipped makes a module of this binary that has loaded the one that decides.
func (m *Modules) adoptShipped(done loaded) {
	s := done.shipped
	if !slices.Contains(m.shipped(), s) {
		m.close(done.policy) // it is not wanted any more
		return
	}
	s.loading = false
	s.history.came(done.err)
	switch log := m.log.With("module", s.name); {
	case done.err == nil:
		s.history.ends(s.policy)
		s.policy, s.behind, s.verified = done.policy, done.behind, done.verified
		log.Info("shipped module loaded", "mode", m.engine.Mode(), "duration", done.took.Round(time.Millisecond))
	case final(done.err):
		s.wasm = nil
		log.Error("the module does not load as Wasm, it runs natively", "error", done.err)
	default:
		s.failures++
		s.retry = time.Now().Add(retryFactor * policy.Backoff(s.failures))
		log.Warn("the module does not load as Wasm yet, it runs natively", "error", done.err)
	}
}

// failure is why the module decides natively for now; nil if it does not, and if
// it has run natively from the start.
func (s *shipped) failure() error {
	if s.behind == nil || s.behind.Failure() == nil {
		return nil
	}
	return fmt.Errorf("%s; it decides natively", policy.Message(s.behind.Failure()))
}

func (s *shipped) status() ModuleStatus {
	status := ModuleStatus{Name: s.name, State: "active", SHA256: s.sha256, Size: s.size, Milliseconds: s.took.Milliseconds()}
	s.history.tell(&status, s.policy)
	switch err := s.failure(); {
	case err != nil:
		status.State, status.Error, status.Native = "native", err.Error(), true
	case s.behind == nil && s.wasm != nil:
		status.State, status.Native = "loading", true
	case s.behind == nil:
		status.State, status.Native = "native", true
	}
	return status
}

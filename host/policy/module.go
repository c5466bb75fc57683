package policy

import (
	"context"
	"fmt"

	"github.com/snatd/snatd/sdk"
	"github.com/snatd/snatd/sdk/abi"
)

// Module is a loaded WebAssembly module, a Policy.
type Module struct {
	name    string
	engine  *Engine
	program *program
	config  config
	grants  Grants
	lines   *lines
	counted counted
	closed  bool // guarded by engine.mu
}

// Load compiles a module, checks it against the ABI, starts it once and calls
// its validate. The facts config.<key> come from config and from nowhere else.
// A module that is refused is an *Error.
func (e *Engine) Load(ctx context.Context, name string, wasm []byte, settings map[string]string, grants Grants) (*Module, error) {
	if err := checkHeader(wasm); err != nil {
		return nil, errorf(name, ClassLoad, "%v", err)
	}
	config, err := newConfig(settings)
	if err != nil {
		return nil, errorf(name, ClassLoad, "%v", err)
	}
	program, err := e.acquire(ctx, wasm)
	if err != nil {
		return nil, errorf(name, ClassLoad, "%v", err)
	}
	m := &Module{name: name, engine: e, program: program, config: config, grants: grants, lines: newLines(e.options.Log)}
	if err := m.validate(ctx); err != nil {
		if closeErr := m.Close(ctx); closeErr != nil {
			err = fmt.Errorf("%w, and closing it: %w", err, closeErr)
		}
		return nil, err
	}
	return m, nil
}

// validate holds the module against the ABI and lets it check its
// configuration. It starts an instance also where there is no such export: one
// that cannot start is refused here rather than for each subject.
func (m *Module) validate(ctx context.Context) error {
	if err := check(m.program.compiled, m.engine.options.MemoryPages); err != nil {
		return errorf(m.name, ClassLoad, "%v", err)
	}
	export := abi.Validate
	if _, ok := m.program.compiled.ExportedFunctions()[export]; !ok {
		export = ""
	}
	result, err := m.run(ctx, m.session(sdk.Map{}), export)
	if err == nil && result != 0 {
		err = errorf(m.name, ClassFailed, "%s returned %d; accepted: 0", export, result)
	}
	return err
}

// Name implements Policy.
func (m *Module) Name() string { return m.name }

// Decide implements Policy. Nothing of an evaluation is left for the next.
func (m *Module) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	if !m.use() {
		return Evaluation{}, errorf(m.name, ClassClosed, "the module is closed")
	}
	s := m.session(facts)
	result, err := m.run(ctx, s, abi.Decide)
	if releaseErr := m.engine.release(ctx, m.program); releaseErr != nil && err == nil {
		err = fmt.Errorf("policy %s: %w", m.name, releaseErr)
	}
	if err != nil {
		return Evaluation{}, err
	}
	switch result {
	case abi.Decided:
		return s.evaluation()
	case abi.NoOpinion:
		s.entries = nil
		return s.evaluation()
	}
	return Evaluation{}, errorf(m.name, ClassFailed, "%s returned %d; accepted: %d (decided) or %d (no opinion)",
		abi.Decide, result, abi.Decided, abi.NoOpinion)
}

// rest ends a run of evaluations.
func (m *Module) rest() {
	if m.use() {
		m.program.spare.rest()
		// The module itself still uses the program, so nothing is closed here.
		_ = m.engine.release(context.Background(), m.program)
	}
}

// use keeps the code until the matching release, also if Close comes between.
func (m *Module) use() bool {
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	if m.closed {
		return false
	}
	m.program.users++
	return true
}

// Close implements Policy.
func (m *Module) Close(ctx context.Context) error {
	m.engine.mu.Lock()
	closed := m.closed
	m.closed = true
	m.engine.mu.Unlock()
	if closed {
		return nil
	}
	return m.engine.release(ctx, m.program)
}

func (m *Module) session(facts sdk.Source) *session {
	return &session{module: m.name, facts: m.view(facts), grants: m.grants, lines: m.lines}
}

func (m *Module) view(facts sdk.Source) sdk.Source { return overlay{facts, m.config} }

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/facts"
	"github.com/snatd/snatd/host/policy"
)

// Propose reads the inputs that a configuration names, once, lets the modules decide and
// compiles that, and returns the state that the daemon would publish. Nothing is brought
// into the kernel: Explain tells of it what would be. Uncounted is that of Inputs.
//
// Problems are failures that cost nothing but themselves; an error means that there
// is nothing to decide from, or no complete decision.
func Propose(ctx context.Context, load func() (config.Config, error), uncounted bool, compiler policy.Compiler, log *slog.Logger) (_ *State, _ []Problem, err error) {
	reader := NewReader(load, log)
	in, p, err := reader.Once(ctx)
	if err != nil {
		return nil, p, err
	}
	in.Uncounted = uncounted
	options := PolicyOptions(in.Config, compiler, log)
	// The daemon's cache belongs to root and to the daemon; who only asks leaves it
	// alone.
	options.CacheDir = ""
	wasm, err := policy.NewEngine(ctx, options)
	if err != nil {
		return nil, p, err
	}
	defer func() { err = errors.Join(err, wasm.Close(context.WithoutCancel(ctx))) }()
	modules := NewModules(ctx, wasm, log)
	defer modules.Close()
	result, failed, err := Decide(ctx, in, modules)
	p = append(p, failed...)
	if err != nil {
		return nil, p, err
	}
	s := &State{
		Result: result, Ruleset: result.Ruleset, Problems: p,
		Modules: modules.Status(in.Modules), Wasm: modules.wasm(),
		read: reader.files(false, false), services: reader.told,
	}
	if !in.Elsewhere {
		s.around = here{}
	}
	return s, p, nil
}

// Settings is the configuration that a state follows from.
func (s *State) Settings() config.Config { return s.Result.inputs.Config }

// Elsewhere says that the state follows from recorded facts of another node.
func (s *State) Elsewhere() bool { return s.Result.inputs.Elsewhere }

// fixed are provenances as they are now, for when their sources are not followed any more.
func fixed(sources []func() []facts.Provenance) []func() []facts.Provenance {
	var all []facts.Provenance
	for _, f := range sources {
		all = append(all, f()...)
	}
	return []func() []facts.Provenance{func() []facts.Provenance { return slices.Clone(all) }}
}

// ProblemsError is a list of problems as one error, each on a line.
func ProblemsError(problems []Problem) error {
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = fmt.Errorf("%s", p)
	}
	return errors.Join(errs...)
}

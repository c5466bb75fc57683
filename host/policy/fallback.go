package policy

import (
	"context"
	"errors"
	"log/slog"

	"github.com/snatd/snatd/sdk"
)

// Fallback is a module with the same policy linked natively beside it.
type Fallback struct {
	module, native Policy
	log            *slog.Logger
	failure        *Error
}

// WithFallback returns a policy that asks module, and native where module fails:
// what the node cannot do without must not be lost because a guest misses its
// deadline on a stalled node. Both are the same policy, without configuration.
// What it says is wrong is wrong natively too, and is module's error. Close
// closes both.
func WithFallback(module, native Policy, log *slog.Logger) *Fallback {
	return &Fallback{module: module, native: native, log: log}
}

// Failure is why the module failed where native decided, the last time that it
// was asked; nil if it did not.
func (f *Fallback) Failure() *Error { return f.failure }

// Name is the module's.
func (f *Fallback) Name() string { return f.module.Name() }

// Decide asks the module, and native where the module fails.
func (f *Fallback) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	f.failure = nil
	evaluation, err := f.module.Decide(ctx, facts)
	var failed *Error
	if err == nil || !errors.As(err, &failed) {
		return evaluation, err
	}
	natively, nativeErr := f.native.Decide(ctx, facts)
	if nativeErr != nil {
		return evaluation, err
	}
	f.failure = failed
	f.log.Warn("the module failed where the same policy decides natively",
		"module", f.Name(), "class", failed.Class, "error", failed.Message)
	return natively, nil
}

// Close closes both.
func (f *Fallback) Close(ctx context.Context) error {
	return errors.Join(f.module.Close(ctx), f.native.Close(ctx))
}

func (f *Fallback) view(facts sdk.Source) sdk.Source { return seenBy(f.module, facts) }

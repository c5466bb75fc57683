package policy

import (
	"context"
	"errors"
	"log/slog"

	"github.com/snatd/snatd/sdk"
)

// fallback is a module with the same policy linked natively beside it.
type fallback struct {
	module, native Policy
	log            *slog.Logger
}

// WithFallback returns a policy that asks module, and native where module fails:
// what the node cannot do without must not be lost because a guest misses its
// deadline on a stalled node. Both are the same policy, without configuration.
// What it says is wrong is wrong natively too, and is module's error. Close
// closes both.
func WithFallback(module, native Policy, log *slog.Logger) Policy {
	return &fallback{module, native, log}
}

func (f *fallback) Name() string { return f.module.Name() }

func (f *fallback) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	evaluation, err := f.module.Decide(ctx, facts)
	var failed *Error
	if err == nil || !errors.As(err, &failed) {
		return evaluation, err
	}
	natively, nativeErr := f.native.Decide(ctx, facts)
	if nativeErr != nil {
		return evaluation, err
	}
	f.log.Warn("the module failed where the same policy decides natively",
		"module", f.Name(), "class", failed.Class, "error", failed.Message)
	return natively, nil
}

func (f *fallback) Close(ctx context.Context) error {
	return errors.Join(f.module.Close(ctx), f.native.Close(ctx))
}

func (f *fallback) view(facts sdk.Source) sdk.Source { return seenBy(f.module, facts) }

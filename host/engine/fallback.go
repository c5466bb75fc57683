package engine

import (
	"context"
	"errors"
	"log/slog"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
)

// fallback is a policy as a Wasm module, with the same policy linked natively
// beside it: the node must not lose its SNAT because the Wasm engine fails, by
// a deadline on a stalled node for example.
type fallback struct {
	policy.Policy
	native policy.Policy
	log    *slog.Logger
}

// Decide asks the native policy where the module fails. What the policy itself
// says is wrong is wrong natively too, and an error.
func (f *fallback) Decide(ctx context.Context, facts sdk.Source) (policy.Evaluation, error) {
	evaluation, err := f.Policy.Decide(ctx, facts)
	var failed *policy.Error
	if err == nil || !errors.As(err, &failed) {
		return evaluation, err
	}
	natively, nativeErr := f.native.Decide(ctx, facts)
	if nativeErr != nil {
		return evaluation, err
	}
	f.log.Warn("the module failed where the same policy decides natively", "module", f.Name(), "error", err)
	return natively, nil
}

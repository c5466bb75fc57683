package policy

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/snatd/snatd/sdk"
)

// Fallback is a module with the same policy linked natively beside it.
type Fallback struct {
	module, native Policy
	log            *slog.Logger
	now            func() time.Time
	failure        *Error
	failures       int       // in a row
	due            time.Time // of the next try of module
}

// WithFallback returns a policy that asks module, and native where module fails:
// what the node cannot do without must not be lost because a guest misses its
// deadline on a stalled node. Both are the same policy, without configuration.
// What it says is wrong is wrong natively too, and is module's error.
//
// A module that failed is asked again in growing pauses; until it answers, native
// alone decides, provisionally. One goroutine uses it at a time.
func WithFallback(module, native Policy, log *slog.Logger) *Fallback {
	return &Fallback{module: module, native: native, log: log, now: time.Now}
}

// Failure is why native decides now; nil if it does not.
func (f *Fallback) Failure() *Error { return f.failure }

// NextTry is when the module is asked again; zero if it does not fail.
func (f *Fallback) NextTry() time.Time { return f.due }

// Reset forgets a failure: nothing that native decided is in force any more.
func (f *Fallback) Reset() { f.failure, f.failures, f.due = nil, 0, time.Time{} }

// Name is the module's.
func (f *Fallback) Name() string { return f.module.Name() }

// Decide asks the module, or native while the module fails.
func (f *Fallback) Decide(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	if f.now().Before(f.due) {
		return f.natively(ctx, facts)
	}
	evaluation, err := f.module.Decide(ctx, facts)
	var failed *Error
	if err == nil || !errors.As(err, &failed) {
		f.Reset()
		return evaluation, err
	}
	natively, nativeErr := f.natively(ctx, facts)
	if nativeErr != nil {
		return evaluation, err
	}
	f.failures++
	f.failure, f.due = failed, f.now().Add(Backoff(f.failures))
	f.log.Warn("the module failed where the same policy decides natively",
		"module", f.Name(), "class", failed.Class, "error", failed.Message)
	return natively, nil
}

func (f *Fallback) natively(ctx context.Context, facts sdk.Source) (Evaluation, error) {
	evaluation, err := f.native.Decide(ctx, facts)
	evaluation.Provisional = true
	return evaluation, err
}

// Close closes both.
func (f *Fallback) Close(ctx context.Context) error {
	return errors.Join(f.module.Close(ctx), f.native.Close(ctx))
}

func (f *Fallback) view(facts sdk.Source) sdk.Source { return seenBy(f.module, facts) }

func (f *Fallback) rest() {
	if r, ok := f.module.(rester); ok {
		r.rest()
	}
}

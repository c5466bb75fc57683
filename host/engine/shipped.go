package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"github.com/snatd/snatd/host/policy"
	"github.com/snatd/snatd/sdk"
)

// shipped is a module of this binary: as Wasm with the native policy behind it,
// or natively alone if there is no Wasm to run or no compiler for it.
type shipped struct {
	name   string
	policy policy.Policy
	native bool // it runs natively alone
	verified
	// behind is the Wasm module with the native one behind it; nil if native.
	behind *policy.Fallback
}

// shippedDeadline is how long an evaluation of a shipped module may take: it may
// have thousands of networks to go through, and the node needs its answer.
const shippedDeadline = 250 * time.Millisecond

func ship(ctx context.Context, engine *policy.Engine, log *slog.Logger, name string, wasm []byte, decide sdk.Policy) *shipped {
	log = log.With("module", name)
	grants := policy.Grants{Translate: true, Deadline: shippedDeadline}
	native := policy.Native(name, decide, grants, log)
	switch {
	case engine == nil: // said once for all
	case wasm == nil:
		log.Warn("this binary carries no Wasm modules, the module runs natively", "fix", "build with make build")
	case engine.Mode() != policy.ModeCompiler:
		log.Warn("Wasm is interpreted on this machine, the module runs natively", "mode", engine.Mode())
	default:
		start := time.Now()
		loaded, err := engine.Load(ctx, name, wasm, nil, grants)
		if err == nil {
			log.Info("shipped module loaded", "mode", engine.Mode(), "duration", time.Since(start).Round(time.Millisecond))
			behind := policy.WithFallback(loaded, native, log)
			sum := sha256.Sum256(wasm)
			return &shipped{
				name: name, policy: policy.Memoize(behind), behind: behind,
				verified: verified{sha256: hex.EncodeToString(sum[:]), size: len(wasm), took: time.Since(start)},
			}
		}
		log.Error("the module does not load as Wasm, it runs natively", "error", err)
	}
	return &shipped{name: name, policy: policy.Memoize(native), native: true}
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
	if err := s.failure(); err != nil {
		status.State, status.Error = "native", err.Error()
	} else if s.native {
		status.State = "native"
	}
	return status
}

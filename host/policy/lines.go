package policy

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/snatd/snatd/sdk/abi"
)

// logRate is how many bytes of lines a policy may log in a second over time: each
// evaluation may log, and there may be hundreds in a pass.
const logRate = 1 << 10

// lines passes what a policy logs on, as long as it is not too much.
type lines struct {
	log     *slog.Logger
	limiter *rate.Limiter

	mu       sync.Mutex
	dropping bool
}

func newLines(log *slog.Logger) *lines {
	return &lines{log: log, limiter: rate.NewLimiter(logRate, abi.MaxLog)}
}

func (l *lines) write(level slog.Level, module, text string) {
	allowed := l.limiter.AllowN(time.Now(), len(text))
	l.mu.Lock()
	began := !allowed && !l.dropping
	l.dropping = !allowed
	l.mu.Unlock()
	switch {
	case allowed:
		l.log.Log(context.Background(), level, text, "module", module)
	case began:
		l.log.Warn("the module logs too much, lines are dropped", "module", module)
	}
}

package kubernetes

import (
	"context"
	"log/slog"
)

// debugging takes what client-go logs for the eyes of who looks for a bug. What
// matters of it is told by the feeds, and once: client-go tells of each try.
type debugging struct{ slog.Handler }

func (d debugging) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.Handler.Enabled(ctx, slog.LevelDebug)
}

func (d debugging) Handle(ctx context.Context, record slog.Record) error {
	record.Level = slog.LevelDebug
	return d.Handler.Handle(ctx, record)
}

func (d debugging) WithAttrs(attrs []slog.Attr) slog.Handler {
	return debugging{d.Handler.WithAttrs(attrs)}
}

func (d debugging) WithGroup(name string) slog.Handler {
	return debugging{d.Handler.WithGroup(name)}
}

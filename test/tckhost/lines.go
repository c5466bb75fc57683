package main

import (
	"context"
	"log/slog"
)

// lines keeps what modules log, a slog.Handler.
type lines struct{ kept []line }

// Enabled implements slog.Handler.
func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.kept = append(l.kept, line{int(r.Level) / 4, r.Message})
	return nil
}

// WithAttrs implements slog.Handler; nothing but a module's lines is logged here.
func (l *lines) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *lines) WithGroup(string) slog.Handler { return l }

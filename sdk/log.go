package sdk

import (
	"unicode/utf8"

	"github.com/snatd/snatd/sdk/abi"
)

// Level is how much a log line matters.
type Level int32

// The four levels, as in log/slog.
const (
	LevelDebug = Level(abi.LevelDebug)
	LevelInfo  = Level(abi.LevelInfo)
	LevelWarn  = Level(abi.LevelWarn)
	LevelError = Level(abi.LevelError)
)

// Line is one line for the daemon's log.
type Line struct {
	Level Level
	Text  string // at most 4 KiB
}

// Log adds a line to the daemon's log. Lines belong to an evaluation: where a
// remembered decision is reused, nothing is logged again.
func (d *Decision) Log(level Level, text string) {
	d.lines = append(d.lines, Line{level, clip(text, abi.MaxMessage)})
}

// Lines returns what was logged, also by a policy that failed.
func (d *Decision) Lines() []Line {
	return d.lines
}

// clip cuts text to at most size bytes, between two runes. Text that is only
// for people is never a reason to refuse a decision.
func clip(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}

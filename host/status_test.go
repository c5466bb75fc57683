package main

import (
	"strings"
	"testing"

	"github.com/snatd/snatd/host/screen"
)

// hostile is what a module may call its reason.
const hostile = "reason\x1b[2J\nhealthy: not at all\x07"

func TestDraw(t *testing.T) {
	s := screen.Screen{
		Verdict: screen.Line{Level: screen.Bad, Text: "not healthy: " + hostile},
		Sections: []screen.Section{
			{Title: "facts", Lines: []screen.Line{{Text: "a"}, {Level: screen.Warn, Text: "b"}}},
			{Title: "connections", Lines: []screen.Line{{Text: "c"}}},
		},
	}
	const plain = "not healthy: reason [2J healthy: not at all \n" +
		"facts        a\n" +
		"             b\n" +
		"connections  c\n"
	if got := draw(s, false); got != plain {
		t.Errorf("plain:\n%s\nwant:\n%s", got, plain)
	}
	const coloured = "\x1b[1;31mnot healthy: reason [2J healthy: not at all \x1b[0m\n" +
		"facts        a\n" +
		"             \x1b[33mb\x1b[0m\n" +
		"connections  c\n"
	if got := draw(s, true); got != coloured {
		t.Errorf("coloured: %q\nwant: %q", got, coloured)
	}
}

// A screen that is higher than the terminal is cut, or it would scroll.
func TestRedraw(t *testing.T) {
	for height, want := range map[int]string{
		3: "\x1b[Ha\x1b[K\r\nb\x1b[K\r\nc\x1b[K\x1b[J",
		2: "\x1b[Ha\x1b[K\r\nand 2 lines more\x1b[K\x1b[J",
	} {
		if got := redraw("a\nb\nc\n", height); got != want {
			t.Errorf("in %d lines: %q, want %q", height, got, want)
		}
	}
}

func TestColoursAreForTerminals(t *testing.T) {
	if terminalOf(&strings.Builder{}).coloured() {
		t.Error("what is no terminal gets colours")
	}
	for variable, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		t.Setenv("NO_COLOR", "")
		t.Setenv("TERM", "xterm")
		if !(&terminal{}).coloured() {
			t.Error("a terminal gets no colours")
		}
		t.Setenv(variable, value)
		if (&terminal{}).coloured() {
			t.Errorf("%s=%s is ignored", variable, value)
		}
	}
}

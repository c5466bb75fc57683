package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/fresh"
)

// TestReference holds COMMANDS.md against what the commands' --help prints.
func TestReference(t *testing.T) {
	var text bytes.Buffer
	text.WriteString(`<!-- Made from the commands by: go test ./host -run Reference -write -->

# Commands

What ` + "`--help`" + ` prints of each.
`)
	describe(t, &text, root())
	fresh.Check(t, "COMMANDS.md", text.String(), "go test ./host -run Reference -write")
}

// describe writes a command, and those below it, but for those that nobody is to call.
func describe(t *testing.T, text *bytes.Buffer, command *cobra.Command) {
	t.Helper()
	if command.Hidden {
		return
	}
	var help bytes.Buffer
	command.SetOut(&help)
	command.InitDefaultHelpFlag()
	command.InitDefaultVersionFlag()
	if err := command.Help(); err != nil {
		t.Fatal(err)
	}
	text.WriteString("\n## " + command.CommandPath() + "\n\n```\n" + strings.TrimSpace(help.String()) + "\n```\n")
	for _, below := range command.Commands() {
		describe(t, text, below)
	}
}

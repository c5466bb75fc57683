package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var write = flag.Bool("write", false, "write COMMANDS.md instead of comparing it")

// TestReference holds COMMANDS.md against what the commands' --help prints.
func TestReference(t *testing.T) {
	var text bytes.Buffer
	text.WriteString(`<!-- Made from the commands by: go test ./host -run Reference -write -->

# Commands

What ` + "`--help`" + ` prints of each.
`)
	describe(t, &text, root())
	if *write {
		if err := os.WriteFile("COMMANDS.md", text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("COMMANDS.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, text.Bytes()) {
		t.Error("COMMANDS.md is not what the commands say: run go test ./host -run Reference -write")
	}
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

package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/compiler"
)

// outside compiles modules in a process of this binary, also after the file that it
// was started from was replaced.
var outside = compiler.New("/proc/self/exe", "compile-module")

// compileCommand is the process that outside starts.
func compileCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "compile-module DIRECTORY",
		Short:  "compile the module on standard input into a directory, for the daemon",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		Run: func(command *cobra.Command, args []string) {
			os.Exit(compiler.Run(command.Context(), args[0], command.InOrStdin(), command.ErrOrStderr()))
		},
	}
}

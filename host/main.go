// Command snatd decides for every pod on its node, and every IPv4 destination,
// whether the pod's address is kept or translated, and makes the kernel do so.
//
// This package is the command line only: one file a command, each of which
// reads its flags and calls the package that does the work.
package main

//go:generate go test . -run Reference -write

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(execute())
}

func execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	var code exitCode
	switch {
	case errors.As(err, &code):
		return int(code)
	case err != nil:
		complain(err)
		return 1
	}
	return 0
}

// exitCode ends the process with a code whose reason is printed already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

func root() *cobra.Command {
	command := &cobra.Command{
		Use:   "snatd",
		Short: "decides which pods keep their address towards which networks",
		Example: `  snatd status
  snatd explain --from default/web-1 --to 198.51.100.10`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	command.AddCommand(runCommand(), planCommand(), explainCommand(), statusCommand(), factsCommand(), flowsCommand(), approveCommand(), historyCommand(),
		policyCommand(), convertCommand(), demoCommand(), cleanupCommand(), completionCommand(), versionCommand(), compileCommand())
	command.CompletionOptions.DisableDefaultCmd = true
	return command
}

// knownCommand refuses what is no command of a command: without it that would print the
// help, and succeed.
func knownCommand(command *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	var names []string
	for _, c := range command.Commands() {
		names = append(names, c.Name())
	}
	return fmt.Errorf("%s %q is unknown, accepted: %s", command.Name(), arguments[0], strings.Join(names, ", "))
}

// complain says on standard error what is wrong, which may be in the words of others.
func complain(err error) {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	fmt.Fprintln(os.Stderr, "snatd:", strings.Join(lines, "\n"))
}

package main

import (
	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/privilege"
)

// keepOnly has a command that runs modules give up all capabilities but these before it
// begins, as the daemon does. Files that it may not read then, the daemon may not either.
func keepOnly(command *cobra.Command, capabilities ...privilege.Capability) {
	command.PreRunE = func(*cobra.Command, []string) error { return privilege.Keep(capabilities...) }
}

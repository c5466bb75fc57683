package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author/scaffold"
)

func policyNewCommand() *cobra.Command {
	var language string
	accepted := strings.Join(scaffold.Languages(), ", ")
	command := &cobra.Command{
		Use:   "new --lang LANGUAGE NAME",
		Short: "make a folder with a policy to begin with",
		Long: `New makes the folder NAME with a small policy, its settings, unit tests in its language,
facts and cases for snatd policy test, a Makefile and a README. The SDK is in it too: it
builds with the language's toolchain and make, wherever it is, without a clone of snatd.
Nothing is fetched but AssemblyScript's compiler, by npm.

Languages: ` + accepted + ".",
		Example: "  snatd policy new --lang rust partners && cd partners && make test",
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) != 1 {
				return fmt.Errorf("%d arguments, accepted: one name of a policy, such as partners", len(arguments))
			}
			return nil
		},
	}
	command.Flags().StringVar(&language, "lang", "", "the `LANGUAGE`: "+accepted)
	_ = command.MarkFlagRequired("lang") // fails for unknown flags only
	command.RunE = func(command *cobra.Command, arguments []string) error {
		folder, err := scaffold.New(".", language, arguments[0])
		if err == nil {
			_, err = fmt.Fprintf(command.OutOrStdout(), "made %s; go on with: cd %s && make test, and see README.md there\n", folder, folder)
		}
		return err
	}
	return command
}

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/dropin"
	"github.com/snatd/snatd/host/registry"
	"github.com/snatd/snatd/host/roots"
)

func policyPullCommand() *cobra.Command {
	var memory int
	pull := registry.Pull{Directory: ".", Check: func(ctx context.Context, name string, wasm, before []byte, sidecar dropin.Sidecar) error {
		return author.Update{Name: name, Module: wasm, Before: before, Sidecar: sidecar, Memory: memory}.Fits(ctx)
	}}
	command := &cobra.Command{
		Use:   "pull oci://REGISTRY/REPOSITORY[:TAG|@sha256:DIGEST] [DIRECTORY]",
		Short: "get a module from an OCI registry into a directory, pinned by its hash",
		Long: `Pull gets a module from an OCI registry into a directory, the current one or that of the
drop-ins: NN-name.wasm, its signatures NN-name.sig if it has any, and its hash as sha256 in
the sidecar NN-name.yaml, with a comment that says where it is from. All else in a sidecar
that is there stays as it is written.

Nothing is written of a module that does not fit the ABI, with the memory that a node allows,
nor of one that does not start, take the sidecar's settings, or decide for the example facts
of snatd policy check, where the module before it does; snatd policy check says more. A node's
own facts and policies.deadline are not tried. Files are replaced as a whole, and while they
are the sidecar has both hashes: whenever a pull ends, the module before or the new one is
there, pinned. Pulls into the same directory wait for each other.

If the sidecar has a publicKey, the module has to be signed with it; else nothing is
written, and nothing but that signature is. --key writes one into the sidecar. The daemon
verifies the signature again.

The name is that of the file that was pushed, or --name.
` + registryHelp + `

With -o json: reference, with the digest; module, sidecar and signature, the paths of the
files; sha256; verified, that the signature is of publicKey; warning, if signatures may be
missing.`,
		Example: `  snatd policy pull oci://registry.example.com/policies/partners:1.2.0 /etc/snatd/policies.d
  snatd policy pull oci://registry.example.com/policies/partners:1.2.0 --name 30-partners --key cosign.pub`,
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) < 1 || len(arguments) > 2 {
				return fmt.Errorf("%d arguments, accepted: oci://REGISTRY/REPOSITORY:TAG, and a directory", len(arguments))
			}
			if pull.Reference = arguments[0]; len(arguments) == 2 {
				pull.Directory = arguments[1]
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, arguments []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(arguments) == 1 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := command.Flags()
	flags.StringVar(&pull.Name, "name", "", "call it `NN-NAME`")
	flags.StringVar(&pull.Key, "key", "", "write the public key in `FILE` into the sidecar, if it has none")
	flags.BoolVar(&pull.PlainHTTP, "plain-http", false, "the registry has no TLS")
	addMemory(command, &memory)
	output := addOutput(command, "text", "json")
	keepOnly(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		roots.Fallback()
		pull.Waiting = func() {
			_, _ = fmt.Fprintf(command.ErrOrStderr(), "waiting: another process has the lock of %s\n", pull.Directory)
		}
		if err := checkMemory(memory); err != nil {
			return err
		}
		done, err := pull.Do(command.Context())
		if err != nil {
			return err
		}
		if done.Warning != "" {
			if _, err := fmt.Fprintf(command.ErrOrStderr(), "warning: %s\n", visible(done.Warning)); err != nil {
				return err
			}
		}
		out := command.OutOrStdout()
		if output.value == "json" {
			return writeJSON(out, done)
		}
		signed := "not signed"
		switch {
		case done.Verified:
			signed = "signed, as its publicKey wants"
		case done.Signature != "":
			signed = "with signatures that nobody verifies: the sidecar has no publicKey"
		}
		_, err = fmt.Fprintf(out, "%s: %s\npinned in %s, %s\n", done.Module, done.Reference, done.Sidecar, signed)
		return err
	}
	return command
}

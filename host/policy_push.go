package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/registry"
	"github.com/snatd/snatd/host/roots"
)

const registryHelp = `
Credentials are those of docker login: the Docker configuration file, with its helpers.`

func policyPushCommand() *cobra.Command {
	var push registry.Push
	command := &cobra.Command{
		Use:   "push FILE.wasm oci://REGISTRY/REPOSITORY:TAG",
		Short: "put a module into an OCI registry, signed if you like",
		Long: `Push puts a module into an OCI registry, as an artifact in the CNCF's layout for
WebAssembly. It prints the reference with the digest, by which snatd policy pull gets
exactly this module. The same module has the same digest, whenever it is pushed.

With --key the module is signed: a private key, ECDSA P-256 or Ed25519, of openssl genpkey
or cosign generate-key-pair, whose password is in COSIGN_PASSWORD. With --signature it
comes with signatures that were made elsewhere, which push cannot verify: one a line, in
base64, of the bytes of the module, decompressed; ECDSA P-256 over their SHA-256, in ASN.1
(DER), or Ed25519 over the bytes themselves. Sigstore's bundles, which late versions of
cosign write, are not read. Either is an artifact of its own that refers to the module's.
` + registryHelp + `

With -o json: reference, with the digest; sha256; signed, with --key; attached, that the
signatures of --signature went along, whatever they are of.`,
		Example: `  snatd policy push 20-partners.wasm oci://registry.example.com/policies/partners:1.2.0
  snatd policy push 20-partners.wasm oci://registry.example.com/policies/partners:1.2.0 --key cosign.key`,
		Args: func(_ *cobra.Command, arguments []string) error {
			if len(arguments) != 2 {
				return fmt.Errorf("%d arguments, accepted: one module, FILE.wasm or FILE.wasm.gz, and oci://REGISTRY/REPOSITORY:TAG", len(arguments))
			}
			push.Module, push.Reference = arguments[0], arguments[1]
			return nil
		},
		ValidArgsFunction: files("wasm", "wasm.gz"),
	}
	flags := command.Flags()
	flags.StringVar(&push.Key, "key", "", "sign it with the private key in `FILE`")
	flags.StringVar(&push.Signature, "signature", "", "the signatures in `FILE` go with it, unverified")
	flags.BoolVar(&push.PlainHTTP, "plain-http", false, "the registry has no TLS")
	output := addOutput(command, "text", "json")
	command.RunE = func(command *cobra.Command, _ []string) error {
		roots.Fallback()
		done, err := push.Do(command.Context())
		if err != nil {
			return err
		}
		out := command.OutOrStdout()
		if output.value == "json" {
			return writeJSON(out, done)
		}
		if _, err = fmt.Fprintln(out, done.Reference); err == nil && done.Attached {
			_, err = fmt.Fprintf(command.ErrOrStderr(), "the signatures in %s went along, unverified: whose they are shows when it is pulled\n", push.Signature)
		}
		return err
	}
	return command
}

package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/sdk/abi"
)

// release and commit are what the Makefile says of the sources; empty where something
// else than make built the program.
var release, commit string

// unknown is said of what nobody said.
const unknown = "unknown"

// shown is how much of a commit is told where there is little room.
const shown = 12

// build is what a program says of itself.
type build struct {
	Version  string `json:"version"`  // as git describes the sources, "v0.1.0" of a release; or unknown
	Commit   string `json:"commit"`   // in full, with "-dirty" if it was not all; or unknown
	ABI      string `json:"abi"`      // what modules import
	Go       string `json:"go"`       // the compiler's version
	Platform string `json:"platform"` // as "linux/amd64"
}

// built is what is known of this program: what the Makefile said, or what Go noted.
func built() build {
	b := build{release, commit, abi.Module, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "(devel)" {
		b.Version = cmp.Or(b.Version, info.Main.Version)
	}
	if ok && b.Commit == "" {
		b.Commit = noted(info.Settings)
	}
	b.Version, b.Commit = cmp.Or(b.Version, unknown), cmp.Or(b.Commit, unknown)
	return b
}

// noted is the commit that Go found; empty if it did not look for one.
func noted(settings []debug.BuildSetting) string {
	values := map[string]string{}
	for _, s := range settings {
		values[s.Key] = s.Value
	}
	if values["vcs.modified"] == "true" {
		return values["vcs.revision"] + "-dirty"
	}
	return values["vcs.revision"]
}

// version is what is known, in one line.
func version() string {
	b := built()
	hash, dirty := strings.CutSuffix(b.Commit, "-dirty")
	hash = hash[:min(shown, len(hash))]
	if dirty {
		hash += "-dirty"
	}
	return fmt.Sprintf("%s, commit %s, abi %s", b.Version, hash, b.ABI)
}

func versionCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "version",
		Short: "print which snatd this is, and what it was built from",
		Long: `Version prints the version of this program, the commit of its sources, the ABI that it
serves to modules, the Go that compiled it and the platform. What the build did not say is
unknown. snatd status says which version the daemon is.`,
		Example: `  snatd version
  snatd version -o json`,
		Args: cobra.NoArgs,
	}
	output := addOutput(command, "text", "json")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if output.value == "json" {
			return writeJSON(command.OutOrStdout(), built())
		}
		return printBuild(command.OutOrStdout(), built())
	}
	return command
}

func printBuild(out io.Writer, b build) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "snatd\t%s\n", b.Version)
	fmt.Fprintf(table, "commit\t%s\n", b.Commit)
	fmt.Fprintf(table, "abi\t%s\n", b.ABI)
	fmt.Fprintf(table, "go\t%s\n", b.Go)
	fmt.Fprintf(table, "platform\t%s\n", b.Platform)
	return table.Flush()
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/config"
)

// defaultConfigFile is read if --config is not given and it exists.
const defaultConfigFile = "/etc/snatd/config.yaml"

// configFlags are the flags that say which configuration is meant.
type configFlags struct {
	file      string
	overrides config.Flags
	found     bool // the file was read once
}

// addDaemon adds the flags that say which daemon is asked.
func (f *configFlags) addDaemon(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.file, "config", "", "the configuration `FILE` (default "+defaultConfigFile+" if it exists)")
	flags.StringVar(&f.overrides.Socket, "socket", "", "`PATH` of the daemon's unix socket")
	complete(command, "config", files("yaml", "yml"))
}

// add adds them, and those that say what is decided from.
func (f *configFlags) add(command *cobra.Command) {
	f.addDaemon(command)
	flags := command.Flags()
	flags.StringVar(&f.overrides.FactsFile, "facts", "", "the static facts `FILE`, for all facts")
	flags.StringVar(&f.overrides.PoliciesDirectory, "policies", "", "the `FOLDER` of drop-in modules")
	complete(command, "facts", files("yaml", "yml"))
	_ = command.MarkFlagDirname("policies") // fails for unknown flags only
}

// path is where the configuration file is, whether it exists or not.
func (f *configFlags) path() string {
	if f.file != "" {
		return f.file
	}
	return defaultConfigFile
}

// load reads the configuration with variables and flags over it. Without a flag
// there need be no file, but one that was read once must not vanish: that would
// put defaults in force which nobody asked for.
func (f *configFlags) load() (config.Config, error) {
	options := config.Options{File: f.path(), Environ: os.LookupEnv, Flags: f.overrides}
	cfg, err := config.Load(options)
	if f.file == "" && !f.found && errors.Is(err, fs.ErrNotExist) {
		options.File = ""
		return config.Load(options)
	}
	f.found = f.found || err == nil
	return cfg, err
}

// choice is a flag with one of a few values.
type choice struct {
	value    string
	accepted []string
}

// addOutput adds -o to a command; the first accepted format is the default.
func addOutput(command *cobra.Command, accepted ...string) *choice {
	o := &choice{accepted[0], accepted}
	command.Flags().VarP(o, "output", "o", "output `FORMAT`: "+strings.Join(accepted, ", "))
	complete(command, "output", cobra.FixedCompletions(accepted, cobra.ShellCompDirectiveNoFileComp))
	return o
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "string" }

func (c *choice) Set(value string) error {
	if !slices.Contains(c.accepted, value) {
		return fmt.Errorf("accepted: %s", strings.Join(c.accepted, ", "))
	}
	c.value = value
	return nil
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

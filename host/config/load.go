package config

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/snatd/snatd/host/document"
)

// Options are where a configuration is loaded from.
type Options struct {
	// File is the path of the configuration file; "" means that there is none.
	File string
	// Environ looks a variable up, as os.LookupEnv does; nil means that there
	// are none.
	Environ func(name string) (value string, ok bool)
	// Flags override the file and the variables.
	Flags Flags
}

// Flags are the settings that have flags; "" means that a flag is not given.
type Flags struct {
	FactsFile         string // --facts, facts.file; all facts are then static
	PoliciesDirectory string // --policies, policies.directory
	Socket            string // --socket, socket
	LogLevel          string // --log-level, log.level
}

// Load reads and checks the configuration. Errors name the file, the line and
// the key, or the variable, and what is accepted there. A file that is named but
// cannot be read is an error too.
func Load(options Options) (Config, error) {
	config := Default()
	if options.File != "" {
		doc, err := document.Load(options.File, document.Limit)
		if err != nil {
			return Config{}, err
		}
		// Truncating a file before writing it anew leaves it empty for a moment,
		// which must not mean the defaults.
		if doc.Empty() {
			return Config{}, doc.Errorf("", "empty, accepted: at least one key; without a file the defaults are in force")
		}
		if err := doc.Decode(&config); err != nil {
			return Config{}, err
		}
		if err := check(config, doc); err != nil {
			return Config{}, err
		}
	}
	if options.Environ != nil {
		if err := applyVariables(&config, options.Environ); err != nil {
			return Config{}, err
		}
	}
	if options.Flags.FactsFile != "" {
		config.Facts.VPC, config.Facts.Pods, config.Facts.EC2 = VPCStatic, PodsStatic, false
	}
	override(&config.Facts.File, options.Flags.FactsFile)
	override(&config.Policies.Directory, options.Flags.PoliciesDirectory)
	override(&config.Socket, options.Flags.Socket)
	override(&config.Log.Level, options.Flags.LogLevel)
	if err := CheckLogLevel(config.Log.Level); err != nil { // the file's is checked
		return Config{}, fmt.Errorf("--log-level: %w", err)
	}

	// Canonical, so that configurations that mean the same are equal.
	slices.SortFunc(config.SNAT.ExcludeCIDRs, netip.Prefix.Compare)
	config.SNAT.ExcludeCIDRs = slices.Compact(config.SNAT.ExcludeCIDRs)
	slices.Sort(config.Facts.PrefixLists)
	config.Facts.PrefixLists = slices.Compact(config.Facts.PrefixLists)
	slices.Sort(config.Network.PodInterfaces)
	config.Network.PodInterfaces = slices.Compact(config.Network.PodInterfaces)
	return config, nil
}

func override(setting *string, flag string) {
	if flag != "" {
		*setting = flag
	}
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/author"
	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/document"
)

func policyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "policy",
		Short: "for authors of modules: make one, try it from its file, push and pull it; needs no root and no daemon",
		Long: `Policy makes the folder of a new policy, tries a module from its file alone, in the
daemon's own sandbox, and carries it to and from an OCI registry. It needs no root, no
daemon and none of the daemon's directories.`,
		Example: `  snatd policy new --lang go partners
  snatd policy check 20-partners.wasm
  snatd policy run 20-partners.wasm --facts node-a.yaml
  snatd policy test
  snatd policy bench 20-partners.wasm
  snatd policy push 20-partners.wasm oci://registry.example.com/policies/partners:1.2.0`,
		Args: knownCommand,
		RunE: func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(policyNewCommand(), policyCheckCommand(), policyRunCommand(), policyBenchCommand(), policyTestCommand(), policyAnnotateCommand(),
		policyPushCommand(), policyPullCommand())
	return command
}

// moduleFlags say which module is tried, and on what.
type moduleFlags struct {
	options author.Options
	limits  limitFlags
	primary addressFlag
	more    addressFlag
	exclude []string // CIDRs
	log     bool     // what the module logs is shown
}

const factsHelp = `
The facts are those of the file, with the settings of FILE.yaml beside the module. An
IPv4 cluster is assumed; the node's primary address, whether something else translates
and what the operator excludes come from flags, as they are in no file of facts.`

func (f *moduleFlags) add(command *cobra.Command) {
	command.ValidArgsFunction = files("wasm", "wasm.gz")
	f.primary.list = []netip.Addr{author.DefaultPrimaryAddress}
	f.more.many = true
	command.Args = func(_ *cobra.Command, arguments []string) error {
		if len(arguments) != 1 {
			return fmt.Errorf("%d arguments, accepted: one module, FILE.wasm or FILE.wasm.gz", len(arguments))
		}
		f.options.Module = arguments[0]
		return nil
	}
	flags := command.Flags()
	flags.StringVar(&f.options.Sidecar, "sidecar", "", "the sidecar `FILE` (default FILE.yaml beside the module, if it exists)")
	flags.StringVar(&f.options.Facts, "facts", "", "the static facts `FILE`")
	flags.Var(&f.primary, "primary-address", "the node's primary IPv4 `ADDRESS`")
	flags.Var(&f.more, "address", "another IPv4 `ADDRESS` of the primary interface, may be repeated (default those that the sidecar grants)")
	flags.BoolVar(&f.options.External, "external", false, "something outside of the node translates")
	flags.StringSliceVar(&f.exclude, "exclude", nil, "an IPv4 `CIDR` of snat.excludeCIDRs, or several with commas, may be repeated")
	f.limits.add(command)
}

// value are the options that the flags say.
func (f *moduleFlags) value(command *cobra.Command) (author.Options, error) {
	o := f.options
	for name, path := range map[string]string{"facts": o.Facts, "sidecar": o.Sidecar} {
		if path == "" && command.Flags().Changed(name) {
			return o, fmt.Errorf("--%s: empty, accepted: the path of a file", name)
		}
	}
	var err error
	if o.Deadline, o.Memory, err = f.limits.value(); err != nil {
		return o, err
	}
	for _, text := range f.exclude {
		cidr, err := document.ParseCIDR(text)
		if err != nil {
			return o, fmt.Errorf("--exclude: %w", err)
		}
		o.ExcludeCIDRs = append(o.ExcludeCIDRs, cidr)
	}
	o.PrimaryAddress, o.Addresses = f.primary.list[0], f.more.list
	if f.log {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return o, nil
}

// limitFlags are how long one evaluation may take, and how many MiB it may use.
type limitFlags struct {
	deadline time.Duration
	memory   int
}

func (f *limitFlags) add(command *cobra.Command) {
	command.Flags().DurationVar(&f.deadline, "deadline", time.Duration(config.Default().Policies.Deadline), "how long one evaluation may take, as policies.deadline")
	addMemory(command, &f.memory)
}

func addMemory(command *cobra.Command, memory *int) {
	command.Flags().IntVar(memory, "memory", int(config.Default().Policies.Memory), "how many `MIB` of memory one evaluation may use, as policies.memory")
}

func (f *limitFlags) value() (time.Duration, int, error) {
	if f.deadline <= 0 {
		return 0, 0, fmt.Errorf("--deadline: %s, accepted: more than 0s, such as 50ms", f.deadline)
	}
	return f.deadline, f.memory, checkMemory(f.memory)
}

func checkMemory(memory int) error {
	if err := new(config.MiB).UnmarshalText([]byte(strconv.Itoa(memory))); err != nil {
		return fmt.Errorf("--memory: %w", err)
	}
	return nil
}

// addressFlag is one IPv4 address, or several.
type addressFlag struct {
	list []netip.Addr
	many bool
}

func (a *addressFlag) String() string {
	texts := make([]string, len(a.list))
	for i, addr := range a.list {
		texts[i] = addr.String()
	}
	return strings.Join(texts, ",")
}

func (a *addressFlag) Type() string { return "ADDRESS" }

func (a *addressFlag) Set(value string) error {
	addr, err := netip.ParseAddr(value)
	if err != nil || !addr.Is4() {
		return errors.New("accepted: an IPv4 address, such as 10.0.0.10")
	}
	if !a.many {
		a.list = nil
	}
	a.list = append(a.list, addr)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/privilege"
	"github.com/snatd/snatd/host/screen"
)

// When an explanation is of.
const (
	atNow  = "now"
	atPlan = "plan"
)

func explainCommand() *cobra.Command {
	var flags configFlags
	var from, to string
	command := &cobra.Command{
		Use:   "explain --from POD|IP --to IP|HOST",
		Short: "what happens to new connections, and why",
		Long: `Explain says what happens to new connections from a pod to a destination: whether its
address is kept, which address the destination sees, which module decided so and why, the
facts that it read and where these came from, the modules that were asked before it, and
the elements in the kernel that implement it, which are looked up there.

Where the node's rules lead a Service's address elsewhere, on whatever ports, the first
endpoint is explained, and what becomes of connections to each is told. A host name is
resolved on this machine; each of its IPv4 addresses is explained.

With --at plan it explains what the files say now, whether a daemon runs or not, as
snatd plan reads them: a configuration or a module that is not in force yet.

With -o json, an object for each address of the destination:

  from, to        as asked
  subject         "NAMESPACE/NAME", or "node" for the address of no pod that is known
  never           why snatd never decides about these packets; absent if it does
  action          "exclude" or "translate"
  source          the address that the destination sees, as far as snatd goes
  service         absent unless rules lead the destination elsewhere:
    endpoint      the one that is explained, absent if none is known
    endpoints     a list: address, told ("rules" or "connections"), action, source
    untold        why there may be more endpoints, or others; absent if there are none
  module          what decided; absent if nothing did. Where packets never come because of
                  their interface, what would
  sha256          of the version that decides; absent if it runs natively
  name, version   what its author calls that version; absent if nothing
  native, kept    true for a native policy; for the last good answer of a module that fails
  prefix, reason  of the entry that decided
  reads           the facts that its answer is a function of, a list:
    key           of the fact, or the prefix of the keys that were listed
    value         each item of a list is ended by a NUL
    found         false if there is no such fact
    listing       true if keys were listed, else absent
    from          where it comes from, as in snatd status: source, and if they are known
                  success, failure, error, next
  forgotten       true if there were too many reads to remember
  asked           the modules asked before, with module, sha256, name, version, native,
                  kept, reads, forgotten
  class           the chain that implements it
  elements        the elements of maps that lead there and on, a list: map, element. Without
                  one of the map with the class's name the last rule of the class decides
  kernel          what was looked up; absent with --at plan:
    agrees        whether it holds all that these packets meet as it should, and for
                  translated ones the rule that routes them
    action        what it does, and source; absent if others' rules decide
    differences   a list; absent if it agrees
    error         why it could not be asked; absent if it could
  notes           a list of what could not be found out, and of who else may translate`,
		Example: `  snatd explain --from default/web-1 --to 198.51.100.10
  snatd explain --from default/web-1 --to example.com --at plan --config new.yaml`,
		Args: cobra.NoArgs,
	}
	flags.add(command)
	command.Flags().StringVar(&from, "from", "", "a pod as `NAMESPACE/NAME`, or an IPv4 address")
	command.Flags().StringVar(&to, "to", "", "the destination: an IPv4 `ADDRESS`, or a host name")
	at := &choice{atNow, []string{atNow, atPlan}}
	command.Flags().Var(at, "at", "`WHEN`: now, what is in force, or plan, what the files say")
	complete(command, "at", cobra.FixedCompletions([]cobra.Completion{atNow, atPlan}, cobra.ShellCompDirectiveNoFileComp))
	complete(command, "to", cobra.NoFileCompletions)
	flags.completePods(command, "from")
	_ = command.MarkFlagRequired("from") // fails for unknown flags only
	_ = command.MarkFlagRequired("to")
	output := addOutput(command, "text", "json")
	keepOnly(command, privilege.NetAdmin) // the kernel tells nobody else of connections and rules
	command.RunE = func(command *cobra.Command, _ []string) error {
		ctx := command.Context()
		explain, err := flags.explainer(ctx, at.value)
		if err != nil {
			return err
		}
		destinations, err := resolve(ctx, to)
		if err != nil {
			return err
		}
		for _, destination := range destinations {
			e, err := explain(from, destination)
			switch {
			case err != nil:
				return err
			case output.value == "json":
				err = writeJSON(command.OutOrStdout(), e)
			default:
				err = printExplanation(command.OutOrStdout(), e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return command
}

// explainer is who explains: the daemon, or what the files say.
func (f *configFlags) explainer(ctx context.Context, at string) (func(from, to string) (engine.Explanation, error), error) {
	if at == atNow && (f.overrides.FactsFile != "" || f.overrides.PoliciesDirectory != "") {
		return nil, errors.New("--facts and --policies: the daemon has its own; accepted with --at plan")
	}
	cfg, err := f.load()
	if err != nil {
		return nil, err
	}
	daemon := api.NewClient(cfg.Socket)
	if at == atNow {
		return func(from, to string) (engine.Explanation, error) { return daemon.Explain(ctx, from, to) }, nil
	}
	// Only the names of classes follow from what is installed, so nobody need answer.
	before, _ := daemon.Installed(ctx)
	state, err := propose(ctx, f.load, before.Uncounted())
	if err != nil {
		return nil, err
	}
	p, err := state.PlanFrom(before, false)
	return state.InForce(p).Explain, err
}

// resolvePatience is how long a name server may take.
const resolvePatience = 5 * time.Second

// resolve finds the addresses of a host name. What looks like an address is the daemon's to
// judge.
func resolve(ctx context.Context, to string) ([]string, error) {
	if _, err := netip.ParseAddr(to); err == nil || to == "" {
		return []string{to}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolvePatience)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", to)
	if err != nil {
		return nil, fmt.Errorf("to: %.300q is not an IPv4 address, nor a host name that is found: %w", to, err)
	}
	list := make([]string, len(found))
	for i, a := range found {
		list[i] = a.Unmap().String()
	}
	return list, nil
}

func printExplanation(out io.Writer, e engine.Explanation) error {
	s := screen.Explain(e, time.Now())
	text := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(text, visible(s.Verdict.Text))
	for _, section := range s.Sections {
		for i, line := range section.Lines {
			fmt.Fprintf(text, "  %s\t%s\n", label(i, section.Title), visible(line.Text))
		}
	}
	return text.Flush()
}

func label(i int, first string) string {
	if i > 0 {
		return ""
	}
	return first
}

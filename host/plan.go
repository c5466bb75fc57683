package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/config"
	"github.com/snatd/snatd/host/engine"
)

func planCommand() *cobra.Command {
	var flags configFlags
	var against string
	command := &cobra.Command{
		Use:   "plan",
		Short: "what would change, for whom and because of which module; touches nothing",
		Long: `Plan reads the same files as the daemon, and asks the same services, lets the same modules
decide, and says what would change if that were put in force: decisions, objects in the
kernel, and live connections.

What it compares with is what the running daemon has installed. Without a daemon that is
nothing. With --against FILE it is what the same configuration and modules make of recorded
facts, which snatd facts prints; no daemon is asked then.

  text   the changes, for people
  json   the same as data, with the ruleset that the kernel would hold
  nft    the whole table, as nft -f accepts it
  diff   the commands of nft that change the table

Exit code 0: nothing would change. 2: something would. 1: an error.

With -o json:

  change          false if nothing would change
  before, after   digests of rulesets, "" where nothing is installed
  decisions       a list, the node first, then the pods by name:
    name          "node", or "NAMESPACE/NAME"
    address       of the pod
    state         "changed"; "new" or "gone" for a pod whose address has or will have the
                  decision of the node
    addresses     how many destinations will see another source, and share, as a part of all
    destinations  those that are decided otherwise, if only by another module; a list:
      first, last and before, after with action, source and module, and the new reason
  objects         a list of commands of nft, and routing, of ip
  connections     absent if they were not looked at:
    onChange      what becomes of them, as the configuration says: keep, drain or flush
    total         how many would be decided otherwise
    flows         the first of them, as in snatd flows -o json
    error         why they could not be listed; absent if they could
  ruleset         what the kernel would hold, or null`,
		Example: `  snatd plan --config /etc/snatd/config.yaml
  snatd plan --config new.yaml --facts node-a.yaml --against node-a.yaml -o json`,
		Args: cobra.NoArgs,
	}
	flags.add(command)
	command.Flags().StringVar(&against, "against", "", "compare with what is decided on the recorded facts of `FILE`, and not with the daemon")
	output := addOutput(command, "text", "json", "nft", "diff")
	command.RunE = func(command *cobra.Command, _ []string) error {
		p, err := makePlan(command.Context(), &flags, against)
		if err != nil {
			return err
		}
		if err := p.print(command.OutOrStdout(), output.value); err != nil {
			return err
		}
		if p.Change {
			return exitCode(planChanges)
		}
		return nil
	}
	return command
}

// planChanges is the exit code of a plan that changes something.
const planChanges = 2

// plan is what would change, and the state after it.
type plan struct {
	engine.Plan
	state   *engine.State
	missing error // why there is no daemon to compare with
}

// makePlan compares what the files say with what is installed, or with what is decided on
// the facts of another file.
func makePlan(ctx context.Context, flags *configFlags, against string) (plan, error) {
	p := plan{}
	cfg, err := flags.load()
	if err != nil {
		return p, err
	}
	var before engine.Installed
	if against == "" {
		before, p.missing = api.NewClient(cfg.Socket).Installed(ctx)
	} else {
		recorded := *flags
		recorded.overrides.FactsFile = against
		if before, err = installedOn(ctx, &recorded); err != nil {
			return p, err
		}
	}
	uncounted := before.Ruleset != nil && before.Ruleset.Network.Uncounted
	if p.state, err = propose(ctx, flags.load, uncounted); err != nil {
		return p, err
	}
	p.Plan, err = p.state.PlanFrom(before, against == "" && p.missing == nil && !p.state.Elsewhere())
	return p, err
}

// installedOn is what would be installed by these files where there is nothing.
func installedOn(ctx context.Context, flags *configFlags) (engine.Installed, error) {
	state, err := propose(ctx, flags.load, false)
	if err != nil {
		return engine.Installed{}, err
	}
	p, err := state.PlanFrom(engine.Installed{}, false)
	return state.InForce(p).Installed(), err
}

// propose tells problems that cost nothing but themselves.
func propose(ctx context.Context, load func() (config.Config, error), uncounted bool) (*engine.State, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	state, problems, err := engine.Propose(ctx, load, uncounted, outside, log)
	if err != nil && len(problems) > 0 && state == nil {
		return nil, errors.Join(engine.ProblemsError(problems), err)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, "snatd:", problem)
	}
	return state, err
}

func (p plan) print(out io.Writer, format string) error {
	var err error
	switch format {
	case "json":
		return writeJSON(out, p.Plan)
	case "nft":
		text := "# the cluster's addresses are IPv6: nothing is installed\n"
		if p.Ruleset != nil {
			text = p.Ruleset.Table().String()
		}
		_, err = io.WriteString(out, text)
	case "diff":
		_, err = io.WriteString(out, p.diff())
	default:
		_, err = io.WriteString(out, p.text())
	}
	return err
}

// without says what a plan is compared with if there is no daemon.
func (p plan) without() string {
	if p.missing == nil {
		return ""
	}
	return "# " + p.missing.Error() + "\n# without it, everything is installed anew:\n"
}

func (p plan) diff() string {
	if commands := p.Commands(); commands != "" {
		return p.without() + commands
	}
	return p.without() + "# nothing would change\n"
}

func (p plan) text() string {
	var text strings.Builder
	text.WriteString(p.without())
	if !p.Change {
		text.WriteString("nothing would change\n")
		return text.String()
	}
	fmt.Fprintf(&text, "would change: %d subjects, %d objects in the kernel", len(p.Decisions), len(p.Objects)+len(p.Routing))
	if c := p.Connections; c != nil && c.Error == "" {
		fmt.Fprintf(&text, ", %d live connections", c.Total)
	}
	text.WriteString("\n")
	for rest := p.Decisions; len(rest) > 0; {
		var alike int
		for alike = 1; alike < len(rest) && sameChange(rest[0], rest[alike]); {
			alike++
		}
		writeDecisions(&text, rest[:alike])
		rest = rest[alike:]
	}
	if commands := p.Commands(); commands != "" || len(p.Routing) > 0 {
		text.WriteString("\nkernel\n")
		for line := range strings.Lines(commands) {
			text.WriteString("  " + line)
		}
		for _, rule := range p.Routing {
			text.WriteString("  " + rule + "\n")
		}
	}
	if p.Connections != nil {
		writeConnections(&text, *p.Connections)
	}
	return text.String()
}

func sameChange(a, b engine.DecisionChange) bool {
	return a.State == b.State && reflect.DeepEqual(a.Destinations, b.Destinations)
}

// mostDestinations is how many parts of the address space are told for subjects.
const mostDestinations = 20

// writeDecisions tells of subjects for whom the same changes.
func writeDecisions(text *strings.Builder, alike []engine.DecisionChange) {
	first := alike[0]
	fmt.Fprintf(text, "\n%s", first.Name)
	if first.Address.IsValid() {
		fmt.Fprintf(text, " %s", first.Address)
	}
	if more := len(alike) - 1; more > 0 {
		fmt.Fprintf(text, " and %d more", more)
	}
	fmt.Fprintf(text, ", %s: %d addresses (%.2g%%)\n", first.State, first.Addresses, 100*first.Share)
	for i, d := range first.Destinations {
		if i == mostDestinations {
			fmt.Fprintf(text, "  and %d ranges more\n", len(first.Destinations)-i)
			break
		}
		towards := d.First.String()
		if d.First != d.Last {
			towards += "-" + d.Last.String()
		}
		fmt.Fprintf(text, "  %s: %s -> %s", towards, by(d.Before.String(), d.Before.Module), by(d.After.String(), d.After.Module))
		if d.Reason != "" {
			fmt.Fprintf(text, " (%s)", visible(d.Reason))
		}
		text.WriteString("\n")
	}
}

func by(what, module string) string {
	if module == "" {
		return what
	}
	return what + " by " + module
}

// becomes says what happens to connections that are decided otherwise.
var becomes = map[string]string{
	config.OnChangeKeep:  "go on as they are",
	config.OnChangeDrain: "go on as they are, and are counted",
	config.OnChangeFlush: "are ended",
}

func writeConnections(text *strings.Builder, c engine.ConnectionChange) {
	if c.Error != "" {
		fmt.Fprintf(text, "\nconnections could not be listed: %s\n", c.Error)
		return
	}
	if c.Total == 0 {
		return
	}
	fmt.Fprintf(text, "\n%d live connections would be decided otherwise; with snat.onChange %s they %s\n", c.Total, c.OnChange, becomes[c.OnChange])
	for _, f := range c.Flows {
		fmt.Fprintf(text, "  %s %s -> %s seen as %s\n", f.Protocol, f.Source, f.Destination, f.Seen)
	}
	if more := c.Total - len(c.Flows); more > 0 {
		fmt.Fprintf(text, "  and %d more\n", more)
	}
}

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
	"github.com/snatd/snatd/host/privilege"
)

func planCommand() *cobra.Command {
	var flags configFlags
	var against baseline
	command := &cobra.Command{
		Use:   "plan",
		Short: "what would change, for whom and because of which module; touches nothing",
		Long: `Plan reads the same files as the daemon, and asks the same services, lets the same modules
decide, and says what would change if that were put in force: decisions, objects in the
kernel, and live connections.

What it compares with is what the running daemon has installed; where none runs that is
nothing, and standard error says so. With --against FILE it is what recorded facts come to,
which snatd facts prints, and with --against-config FILE what another configuration and its
modules come to: no daemon is asked then, and what only one of them names is the same before
and after.

  text   the changes, for people
  json   the same as data, with the ruleset that the kernel would hold
  nft    the whole table, as nft -f accepts it
  diff   the commands of nft that change the table

Exit code 0: nothing would change. 2: something would. 1: an error.

With -o json:

  change          false if nothing would change
  against         what it is compared with: "daemon", "nothing", or "files"
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
    flows         the first of them, a list: protocol, source, destination, endpoint and seen
                  as in snatd flows, and after, as what it would be seen if it began then
    error         why they could not be listed; absent if they could
  held            absent if the guard would let it through:
    ruleset       the digest that snatd approve takes
    subjects, of  how many of those that are known would be decided otherwise for
    largest       for whom about most: subject, addresses, share
    limit         what it is beyond
    external      snat.external before
  ruleset         what the kernel would hold, or null
  notes           a list of why something else may happen: a module that fails while the
                  daemon goes on with what it has of it`,
		Example: `  snatd plan --config /etc/snatd/config.yaml
  snatd plan --config config.yaml --facts new-facts.yaml --against facts.yaml
  snatd plan --config new.yaml --facts facts.yaml --against-config config.yaml -o json`,
		Args: cobra.NoArgs,
	}
	flags.add(command)
	command.Flags().StringVar(&against.facts, "against", "", "compare with what is decided on the recorded facts of `FILE`, and not with the daemon")
	command.Flags().StringVar(&against.config, "against-config", "", "compare with what is decided by the configuration `FILE` and its modules, and not with the daemon")
	output := addOutput(command, "text", "json", "nft", "diff")
	keepOnly(command, privilege.NetAdmin) // the kernel tells nobody else of connections and rules
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

// plan is what would change.
type plan struct {
	// Against is what it is compared with.
	Against string `json:"against"`
	engine.Plan
}

// With what a plan is compared.
const (
	againstDaemon  = "daemon"
	againstNothing = "nothing"
	againstFiles   = "files"
)

// baseline are the files that a plan is compared with instead of the daemon.
type baseline struct{ facts, config string }

// makePlan compares what the files say with what is installed, or with what is decided by
// other files.
func makePlan(ctx context.Context, flags *configFlags, against baseline) (p plan, err error) {
	var before engine.Installed
	if against == (baseline{}) {
		p.Against, before, err = installed(ctx, flags)
	} else {
		p.Against = againstFiles
		before, err = against.installed(ctx, *flags)
	}
	if err != nil {
		return p, err
	}
	state, err := propose(ctx, flags.load, before.Uncounted())
	if err != nil {
		return p, err
	}
	p.Plan, err = state.PlanFrom(before, p.Against == againstDaemon && !state.Elsewhere())
	return p, err
}

// installed is what the daemon has installed; nothing if there is none, which it says.
func installed(ctx context.Context, flags *configFlags) (against string, before engine.Installed, err error) {
	cfg, err := flags.load()
	if err != nil {
		return "", before, err
	}
	before, err = api.NewClient(cfg.Socket).Installed(ctx)
	if errors.Is(err, api.ErrAbsent) {
		fmt.Fprintf(os.Stderr, "snatd: %s\nwithout it, everything is installed anew\n", err)
		return againstNothing, before, nil
	}
	return againstDaemon, before, err
}

// installed is what would be installed by the files of the baseline where there is nothing.
func (b baseline) installed(ctx context.Context, flags configFlags) (engine.Installed, error) {
	if b.config != "" {
		flags.file, flags.overrides.PoliciesDirectory = b.config, ""
	}
	if b.facts != "" {
		flags.overrides.FactsFile = b.facts
	}
	state, err := propose(ctx, flags.load, false)
	if err != nil {
		return engine.Installed{}, err
	}
	p, err := state.PlanFrom(engine.Installed{}, false)
	if err != nil {
		return engine.Installed{}, err
	}
	return state.InForce(p).Installed()
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
		return writeJSON(out, p)
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

func (p plan) diff() string {
	if commands := p.Commands(); commands != "" {
		return commands
	}
	return "# nothing would change\n"
}

func (p plan) text() string {
	var text strings.Builder
	for _, note := range p.Notes {
		text.WriteString("not sure: " + visible(note) + "\n")
	}
	if !p.Change {
		return text.String() + "nothing would change\n"
	}
	fmt.Fprintf(&text, "would change: subjects %d, objects in the kernel %d", len(p.Decisions), len(p.Objects)+len(p.Routing))
	if c := p.Connections; c != nil && c.Error == "" {
		fmt.Fprintf(&text, ", live connections %d", c.Total)
	}
	text.WriteString("\n")
	if p.Held != nil {
		fmt.Fprintf(&text, "would be held until snatd approve: %s\n", p.Held)
	}
	for rest := p.Decisions; len(rest) > 0; {
		first := rest[0]
		same := func(d engine.DecisionChange) bool { return sameChange(first, d) }
		writeDecisions(&text, keep(rest, same))
		rest = keep(rest, func(d engine.DecisionChange) bool { return !same(d) })
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

func keep(list []engine.DecisionChange, wanted func(engine.DecisionChange) bool) (kept []engine.DecisionChange) {
	for _, d := range list {
		if wanted(d) {
			kept = append(kept, d)
		}
	}
	return kept
}

// How many subjects are named that change alike, and how many parts of the address space
// are told for them.
const mostSubjects, mostDestinations = 10, 20

// writeDecisions tells of subjects for whom the same changes.
func writeDecisions(text *strings.Builder, alike []engine.DecisionChange) {
	first := alike[0]
	text.WriteString("\n")
	for i, d := range alike[:min(len(alike), mostSubjects)] {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(d.Name)
		if d.Address.IsValid() {
			text.WriteString(" " + d.Address.String())
		}
	}
	if more := len(alike) - mostSubjects; more > 0 {
		fmt.Fprintf(text, " and %d more", more)
	}
	fmt.Fprintf(text, "\n  %s: %d addresses (%.3g%% of all)\n", first.State, first.Addresses, 100*first.Share)
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
	fmt.Fprintf(text, "\nlive connections that would be decided otherwise: %d; with snat.onChange %s they %s\n", c.Total, c.OnChange, becomes[c.OnChange])
	for _, f := range c.Flows {
		fmt.Fprintf(text, "  %s %s -> %s seen as %s, after the change it would be as %s\n", f.Protocol, f.Source, f.Destination, f.Seen, f.After)
	}
	if more := c.Total - len(c.Flows); more > 0 {
		fmt.Fprintf(text, "  and %d more\n", more)
	}
}

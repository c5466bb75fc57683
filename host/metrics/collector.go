package metrics

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/snatd/snatd/host/facts"
)

// collector makes samples of a state. It reads the state once for each scrape, so
// that samples of one scrape agree.
type collector struct{ state func() State }

var buildInfo = gauge("snatd_build_info",
	"Always 1: the labels are the versions of snatd and of the Go that built it.", one, "version", "goversion")

// ofState are the samples that a state has one of.
var ofState = []struct {
	*metric
	of func(State) float64
}{
	{gauge("snatd_ready", "Whether the kernel holds what the last good inputs demand: 1 or 0.", one),
		func(s State) float64 { return truth(s.Ready) }},
	{gauge("snatd_progress_timestamp_seconds", "When the daemon's loop last went on: some seconds ago, while it does not hang.", one),
		func(s State) float64 { return timestamp(s.Progress) }},
	{gauge("snatd_problems", "Problems that an operator should mend; snatd status lists them.", one),
		func(s State) float64 { return float64(s.Problems) }},
	{gauge("snatd_held_changes", "Changes beyond guard.maxChange that wait for snatd approve: 1 or 0.", one),
		func(s State) float64 { return truth(s.Held) }},
	{counter("snatd_kernel_changes_total", "Changes of snatd's table that the kernel accepted, each in one or some transactions, repairs included.", one),
		func(s State) float64 { return float64(s.Changes) }},
	{counter("snatd_repairs_total", "Times that other programs changed snatd's rules and snatd put them right.", one),
		func(s State) float64 { return float64(s.Repairs) }},
	{gauge("snatd_draining_connections", "Live connections that go on as earlier rules decided, with snat.onChange drain.", one),
		func(s State) float64 { return float64(s.Draining) }},
	{counter("snatd_ended_connections_total", "Connections that were ended because they were decided otherwise, with snat.onChange flush.", one),
		func(s State) float64 { return float64(s.Ended) }},
	{gauge("snatd_subjects", "Subjects that are decided for: the node, and pods with an address of their own.", one),
		func(s State) float64 { return float64(s.Subjects) }},
	{gauge("snatd_pods", "Pods that the kernel has an element for, because they differ from the node's decision.", one),
		func(s State) float64 { return float64(s.Pods) }},
	{gauge("snatd_classes", "Classes of subjects whose decisions are equal.", one),
		func(s State) float64 { return float64(s.Classes) }},
	{gauge("snatd_port_use_max_ratio", "Largest part of a source's ports that translated connections hold towards one endpoint, from 0 to 1.", one),
		func(s State) float64 {
			if len(s.Ports) == 0 {
				return 0
			}
			return s.Ports[0].ratio()
		}},
}

const eachSource = "1 for each source of facts: 7 at most"

// ofSource are the samples of each source of facts. Those of a time that is not
// known are absent.
var ofSource = []struct {
	*metric
	of    func(p facts.Provenance, now time.Time) float64
	known func(facts.Provenance) bool
}{
	{gauge("snatd_source_up", "Whether the latest attempt to read a source of facts succeeded: 1 or 0.", eachSource, "source"),
		func(p facts.Provenance, _ time.Time) float64 { return truth(p.Error == "" && !p.Success.IsZero()) },
		func(facts.Provenance) bool { return true }},
	{gauge("snatd_source_age_seconds", "How old the facts of a source are; absent while it was never read.", eachSource, "source"),
		func(p facts.Provenance, now time.Time) float64 { return max(0, now.Sub(p.Success).Seconds()) },
		func(p facts.Provenance) bool { return !p.Success.IsZero() }},
	{gauge("snatd_source_last_success_timestamp_seconds", "When a source of facts was last read.", eachSource, "source"),
		func(p facts.Provenance, _ time.Time) float64 { return timestamp(p.Success) },
		func(p facts.Provenance) bool { return !p.Success.IsZero() }},
	{gauge("snatd_source_last_failure_timestamp_seconds", "When reading a source of facts last failed; absent while it never did.", eachSource, "source"),
		func(p facts.Provenance, _ time.Time) float64 { return timestamp(p.Failure) },
		func(p facts.Provenance) bool { return !p.Failure.IsZero() }},
	{gauge("snatd_source_next_try_timestamp_seconds", "When a source of facts is read next, if nothing asks for it earlier; absent where it tells of changes itself.", eachSource, "source"),
		func(p facts.Provenance, _ time.Time) float64 { return timestamp(p.Next) },
		func(p facts.Provenance) bool { return !p.Next.IsZero() }},
}

// ofModule count what each module has done.
var ofModule = []struct {
	*metric
	of func(Module) uint64
}{
	{counter("snatd_module_evaluations_total", "Times that a policy module was run for a subject; one that others share counts once.", eachModule, "module"),
		func(m Module) uint64 { return m.Evaluations }},
	{counter("snatd_module_memo_hits_total", "Times that a remembered evaluation of a policy module was the answer for a subject.", eachModule, "module"),
		func(m Module) uint64 { return m.Recalled }},
	{counter("snatd_module_guest_calls_total", "Calls into a policy module's WebAssembly: starts of instances, and decisions; none where it decides natively.", eachModule, "module"),
		func(m Module) uint64 { return m.GuestCalls }},
}

const eachModule = "1 for each module: the drop-ins, and 2 that are shipped"

var (
	transactions = counter("snatd_kernel_transactions_total",
		"Transactions with changes of snatd's table, by whether the kernel accepted them; failed is also one that it did not answer.", "2", "result")
	elements = gauge("snatd_elements",
		"Elements of the kernel's maps, by what they are looked up by: pods, destinations, or destinations with a source of their own.", "3", "map")
	moduleState = gauge("snatd_module_state", "Always 1: the labels are a policy module and how it is.", eachModule, "module", "state")
	moduleLoads = counter("snatd_module_loads_total",
		"Versions of a policy module that were loaded, by result: success decides from then on, failure was refused.",
		"2 for each module: the drop-ins, and 2 that are shipped", "module", "result")
	neighbours = gauge("snatd_neighbour_findings",
		"Findings about other programs on the node that get in the way; snatd status has them with what to do.", "7: 1 for each kind", "kind")
	connections = counter("snatd_connections_total",
		"Connections of pods, by the module that decided about their first packet, and by what it decided.",
		"2 for each module that decided since the start", "module", "action")
	translated = gauge("snatd_translated_connections",
		"Live connections with snatd's mark whose source is translated, by the source that the other end sees.",
		"1 for each address of the node that is used", "source")
	portUse = gauge("snatd_port_use_ratio",
		"Part of a source's ports that translated connections hold towards one endpoint, from 0 to 1, where it is 0.01 or more.",
		"10: those nearest to 1", "source", "destination", "port", "protocol")
	// What modules in shadow mode would change.
	shadowSubjects = gauge("snatd_shadow_changed_subjects",
		"Subjects that a module in shadow mode would decide otherwise for.", eachShadow, "module")
	shadowShare = gauge("snatd_shadow_changed_address_ratio",
		"Largest part of the address space that a module in shadow mode would decide otherwise about for one subject.", eachShadow, "module")
)

const eachShadow = "1 for each module in shadow mode"

// toldPortUse is from where on an endpoint is told of: labels that come and go with any
// connection would cost who keeps them.
const toldPortUse = 0.01

// ports are how many the kernel has to choose from for a connection from a port that is
// not privileged: 1024 to 65535.
const ports = 65536 - 1024

func (u PortUse) ratio() float64 { return float64(u.Ports) / ports }

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, m := range all {
		if m.desc != nil {
			to <- m.desc
		}
	}
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	state, now := c.state(), time.Now()
	to <- buildInfo.sample(1, text(state.Version), runtime.Version())
	for _, m := range ofState {
		to <- m.sample(m.of(state))
	}
	to <- transactions.sample(float64(state.Accepted), "accepted")
	to <- transactions.sample(float64(state.Failed), "failed")
	for name, n := range state.Elements {
		to <- elements.sample(float64(n), name)
	}
	names := sourceNames(state.Sources)
	for i, source := range state.Sources {
		for _, m := range ofSource {
			if m.known(source) {
				to <- m.sample(m.of(source, now), names[i])
			}
		}
	}
	for kind, n := range state.Neighbours {
		to <- neighbours.sample(float64(n), kind)
	}
	for _, c := range state.Connections {
		to <- connections.sample(float64(c.Count), text(c.Module), c.Action)
	}
	for source, n := range state.Translated {
		to <- translated.sample(float64(n), source.String())
	}
	for _, u := range state.Ports {
		if ratio := u.ratio(); ratio >= toldPortUse {
			to <- portUse.sample(ratio, u.Source.String(), u.Endpoint.Addr().String(), strconv.Itoa(int(u.Endpoint.Port())), u.Protocol)
		}
	}
	for _, m := range state.Modules {
		c.module(to, m)
	}
}

func (c collector) module(to chan<- prometheus.Metric, m Module) {
	name := text(m.Name)
	to <- moduleState.sample(1, name, m.State)
	to <- moduleLoads.sample(float64(m.Taken), name, "success")
	to <- moduleLoads.sample(float64(m.Refused), name, "failure")
	for _, counted := range ofModule {
		to <- counted.sample(float64(counted.of(m)), name)
	}
	if m.Shadow != nil {
		to <- shadowSubjects.sample(float64(m.Shadow.Subjects), name)
		to <- shadowShare.sample(m.Shadow.Share, name)
	}
}

// sourceNames are the sources' names as labels. Where some are the same, all but
// the first one have a number: of samples with the same labels all but one would
// be missing.
func sourceNames(sources []facts.Provenance) []string {
	names := make([]string, len(sources))
	for i, source := range sources {
		name := text(source.Source)
		names[i] = name
		for number := 2; slices.Contains(names[:i], names[i]); number++ {
			names[i] = fmt.Sprintf("%s (%d)", name, number)
		}
	}
	return names
}

// text is a value that a label may have: a file's path can be any bytes.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// timestamp is a time in seconds since 1970, to the millisecond; 0 for none.
func timestamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

package metrics

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/snatd/snatd/host/facts"
)

// collector makes samples of a state. It reads the state once for each scrape, so
// that samples of one scrape agree.
type collector struct{ state func() State }

var buildInfo = describe("snatd_build_info",
	"Always 1: the labels are the versions of snatd and of the Go that built it.", "version", "goversion")

// ofState are the samples that a state has one of.
var ofState = []struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(State) float64
}{
	{describe("snatd_ready", "Whether the kernel holds what the last good inputs demand: 1 or 0."),
		prometheus.GaugeValue, func(s State) float64 { return truth(s.Ready) }},
	{describe("snatd_problems", "Problems that an operator should mend; snatd status lists them."),
		prometheus.GaugeValue, func(s State) float64 { return float64(s.Problems) }},
	{describe("snatd_kernel_changes_total", "Changes of snatd's table that the kernel accepted, each in one or some transactions, repairs included."),
		prometheus.CounterValue, func(s State) float64 { return float64(s.Changes) }},
	{describe("snatd_repairs_total", "Times that other programs changed snatd's rules and snatd put them right."),
		prometheus.CounterValue, func(s State) float64 { return float64(s.Repairs) }},
	{describe("snatd_draining_connections", "Live connections that go on as earlier rules decided, with snat.onChange drain."),
		prometheus.GaugeValue, func(s State) float64 { return float64(s.Draining) }},
	{describe("snatd_ended_connections_total", "Connections that were ended because they were decided otherwise, with snat.onChange flush."),
		prometheus.CounterValue, func(s State) float64 { return float64(s.Ended) }},
	{describe("snatd_subjects", "Subjects that are decided for: the node, and pods with an address of their own."),
		prometheus.GaugeValue, func(s State) float64 { return float64(s.Subjects) }},
	{describe("snatd_pods", "Pods that the kernel has an element for, because they differ from the node's decision."),
		prometheus.GaugeValue, func(s State) float64 { return float64(s.Pods) }},
	{describe("snatd_classes", "Classes of subjects whose decisions are equal."),
		prometheus.GaugeValue, func(s State) float64 { return float64(s.Classes) }},
}

// ofSource are the samples of each source of facts. Those of a time that is not
// known are absent.
var ofSource = []struct {
	desc *prometheus.Desc
	of   func(facts.Provenance) (value float64, known bool)
}{
	{describe("snatd_source_up", "Whether the latest attempt to read a source of facts succeeded: 1 or 0.", "source"),
		func(p facts.Provenance) (float64, bool) { return truth(p.Error == "" && !p.Success.IsZero()), true }},
	{describe("snatd_source_last_success_timestamp_seconds", "When a source of facts was last read.", "source"),
		func(p facts.Provenance) (float64, bool) { return timestamp(p.Success) }},
	{describe("snatd_source_last_failure_timestamp_seconds", "When reading a source of facts last failed.", "source"),
		func(p facts.Provenance) (float64, bool) { return timestamp(p.Failure) }},
	{describe("snatd_source_next_try_timestamp_seconds", "When a source of facts is read next, if nothing asks for it earlier.", "source"),
		func(p facts.Provenance) (float64, bool) { return timestamp(p.Next) }},
}

var (
	moduleState = describe("snatd_module_state", "Always 1: the labels are a policy module and how it is.", "module", "state")
	neighbours  = describe("snatd_neighbour_findings",
		"Findings about other programs on the node that get in the way; snatd status has them with what to do.", "kind")
	connections = describe("snatd_connections_total",
		"Connections of pods, by the module that decided about their first packet, and by what it decided.", "module", "action")
	// What modules in shadow mode would change.
	shadowSubjects = describe("snatd_shadow_changed_subjects",
		"Subjects that a module in shadow mode would decide otherwise for.", "module")
	shadowShare = describe("snatd_shadow_changed_address_ratio",
		"Largest part of the address space that a module in shadow mode would decide otherwise about for one subject.", "module")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func (c collector) Describe(to chan<- *prometheus.Desc) {
	to <- buildInfo
	for _, sample := range ofState {
		to <- sample.desc
	}
	for _, sample := range ofSource {
		to <- sample.desc
	}
	to <- neighbours
	to <- connections
	to <- moduleState
	to <- shadowSubjects
	to <- shadowShare
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	state := c.state()
	to <- prometheus.MustNewConstMetric(buildInfo, prometheus.GaugeValue, 1, text(state.Version), runtime.Version())
	for _, sample := range ofState {
		to <- prometheus.MustNewConstMetric(sample.desc, sample.kind, sample.of(state))
	}
	names := sourceNames(state.Sources)
	for i, source := range state.Sources {
		for _, sample := range ofSource {
			if value, known := sample.of(source); known {
				to <- prometheus.MustNewConstMetric(sample.desc, prometheus.GaugeValue, value, names[i])
			}
		}
	}
	for kind, n := range state.Neighbours {
		to <- prometheus.MustNewConstMetric(neighbours, prometheus.GaugeValue, float64(n), kind)
	}
	for _, c := range state.Connections {
		to <- prometheus.MustNewConstMetric(connections, prometheus.CounterValue, float64(c.Count), text(c.Module), c.Action)
	}
	for _, m := range state.Modules {
		name := text(m.Name)
		to <- prometheus.MustNewConstMetric(moduleState, prometheus.GaugeValue, 1, name, m.State)
		if m.Shadow != nil {
			to <- prometheus.MustNewConstMetric(shadowSubjects, prometheus.GaugeValue, float64(m.Shadow.Subjects), name)
			to <- prometheus.MustNewConstMetric(shadowShare, prometheus.GaugeValue, m.Shadow.Share, name)
		}
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

// timestamp is a time in seconds since 1970, to the millisecond.
func timestamp(t time.Time) (seconds float64, known bool) {
	return float64(t.UnixMilli()) / 1000, !t.IsZero()
}

package metrics

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/snatd/snatd/host/fresh"
)

// TestReference holds README.md against the metrics that there are.
func TestReference(t *testing.T) {
	fresh.Check(t, "README.md", reference(), "go test ./host/metrics -run Reference -write")
}

func reference() string {
	var text strings.Builder
	text.WriteString(`<!-- Made from the metrics of this package by: go test ./host/metrics -run Reference -write -->

# Metrics

At ` + "`/metrics` of `metrics.listen`" + `, in the text format of Prometheus or in OpenMetrics. Beside these there are the usual
` + "`go_*`, `process_*` and `promhttp_*`" + `. [examples/prometheus](../../examples/prometheus) has alerts and a dashboard made of them.

The column *series* says how many there are at most: none grows with pods, connections or networks. Sums begin at 0 with the
daemon, and some of a module's again when the file is removed. What is read of connections is at most some seconds old, and read
only when somebody asks.

| metric | kind | labels | series | meaning |
| --- | --- | --- | --- | --- |
`)
	sorted := slices.SortedFunc(slices.Values(all), func(a, b *metric) int { return cmp.Compare(a.name, b.name) })
	for _, m := range sorted {
		labels := ""
		if len(m.labels) > 0 {
			labels = "`" + strings.Join(m.labels, "`, `") + "`"
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s | %s |\n", m.name, m.kind, labels, m.series, m.help)
	}
	return text.String()
}

// What is told is what the reference has, no more and no less: names, kinds, labels and
// meanings.
func TestReferenceIsWhatIsTold(t *testing.T) {
	s := New(full, well)
	s.ObservePodChange(time.Second)
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "snatd_") {
			continue
		}
		labels := map[string]bool{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = true
			}
		}
		told[f.GetName()] = described(strings.ToLower(f.GetType().String()), f.GetHelp(), slices.Collect(maps.Keys(labels)))
	}
	for _, m := range all {
		if want := described(m.kind, m.help, m.labels); told[m.name] != want {
			t.Errorf("%s is told as %q, the reference has %q", m.name, told[m.name], want)
		}
		delete(told, m.name)
	}
	for name := range told {
		t.Errorf("%s is told, and not in the reference", name)
	}
}

func described(kind, help string, labels []string) string {
	return fmt.Sprintf("%s %v: %s", kind, slices.Sorted(slices.Values(labels)), help)
}

// Nothing is told whose number nobody bounded.
func TestSeriesAreBounded(t *testing.T) {
	for _, m := range all {
		if m.series == "" {
			t.Errorf("%s has no bound", m.name)
		}
	}
	// Whatever is handed in, the endpoints told are those handed in and not more, and
	// small ones are none.
	const many = 1000
	state := full()
	state.Ports = nil
	for range many {
		state.Ports = append(state.Ports, PortUse{Ports: ports/100 - 1})
	}
	to := make(chan prometheus.Metric, 10*many)
	collector{func() State { return state }}.Collect(to)
	close(to)
	for m := range to {
		if m.Desc() == portUse.desc {
			t.Fatal("an endpoint with hardly any ports in use is told")
		}
	}
}

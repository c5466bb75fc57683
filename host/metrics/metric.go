package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one that is told, with all that its reference says of it.
type metric struct {
	name, help string
	kind       string // "gauge", "counter" or "histogram"
	// series bounds how many there are: the reference says it.
	series string
	labels []string
	desc   *prometheus.Desc // nil for a histogram
}

// all are the metrics of snatd itself.
var all []*metric

// one is the bound of a metric without labels.
const one = "1"

func gauge(name, help, series string, labels ...string) *metric {
	return add("gauge", name, help, series, labels)
}

func counter(name, help, series string, labels ...string) *metric {
	return add("counter", name, help, series, labels)
}

func add(kind, name, help, series string, labels []string) *metric {
	m := &metric{name: name, help: help, kind: kind, series: series, labels: labels, desc: prometheus.NewDesc(name, help, labels, nil)}
	all = append(all, m)
	return m
}

// sample is one of the metric, with its labels' values.
func (m *metric) sample(value float64, labels ...string) prometheus.Metric {
	kind := prometheus.GaugeValue
	if m.kind == "counter" {
		kind = prometheus.CounterValue
	}
	return prometheus.MustNewConstMetric(m.desc, kind, value, labels...)
}

// bounds of buckets in seconds: from less than the kernel takes for one pod, to
// more than a pod should ever wait for.
var bounds = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// histogram describes one of durations; newHistogram makes it.
func histogram(name, help string) *metric {
	m := &metric{name: name, help: help, kind: "histogram", series: "18: 15 buckets and +Inf, sum and count"}
	all = append(all, m)
	return m
}

func (m *metric) newHistogram() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: m.name, Help: m.help, Buckets: slices.Clone(bounds)})
}

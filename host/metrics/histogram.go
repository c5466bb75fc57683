package metrics

import "github.com/prometheus/client_golang/prometheus"

// bounds of buckets in seconds: from less than the kernel takes for one pod, to
// more than a pod should ever wait for.
var bounds = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func newHistogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds})
}

package main

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// unit is what a sample's values count.
type unit string

const (
	inTime   unit = "ns"
	inMemory unit = "bytes"
	inNumber unit = "count"
)

// row is one figure of the report.
type row struct {
	Name string `json:"name"`
	Unit unit   `json:"unit,omitempty"`
	// Median and the quartiles, between which the middle half of the rounds
	// is: how far to trust the median.
	Median float64 `json:"median,omitempty"`
	Low    float64 `json:"low,omitempty"`
	High   float64 `json:"high,omitempty"`
	// P99 is the 99th percentile, where the slowest matter too.
	P99 float64 `json:"p99,omitempty"`
	// Target, if there is one, is the most that the median should be.
	Target float64 `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`
	Ratios []ratio `json:"ratios,omitempty"`
	// NotMeasured says why, and what to do about it.
	NotMeasured string `json:"notMeasured,omitempty"`
}

// ratio compares a row with another.
type ratio struct {
	To     string  `json:"to"` // the other row, in short
	Value  float64 `json:"value"`
	Target float64 `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`
}

// newRow makes a row of a sample. A target of 0 is none.
func newRow(name string, u unit, s sample, target float64) row {
	return row{
		Name: name, Unit: u, Median: s.median(), Low: s.quantile(0.25), High: s.quantile(0.75),
		Target: target, Met: met(s.median(), target),
	}
}

// compare adds a ratio to the row. A target of 0 is none.
func (r row) compare(to string, value, target float64) row {
	r.Ratios = append(r.Ratios, ratio{to, value, target, met(value, target)})
	return r
}

// slowest adds the 99th percentile of the row's sample.
func (r row) slowest(s sample) row {
	r.P99 = s.quantile(0.99)
	return r
}

func met(value, target float64) *bool {
	if target == 0 {
		return nil
	}
	ok := value <= target
	return &ok
}

// lines are the row's cells: one line for the median, one for each ratio that
// does not fit on it, and one for the 99th percentile.
func (r row) lines(smoke bool) [][]string {
	if r.NotMeasured != "" {
		return [][]string{{r.Name, "", "", "", "not measured: " + r.NotMeasured}}
	}
	all := [][]string{{
		r.Name, r.Unit.text(r.Median), r.Unit.text(r.Low) + " - " + r.Unit.text(r.High), "",
		verdict(r.Target, r.Unit.text, r.Met, smoke),
	}}
	for i, ratio := range r.Ratios {
		if i > 0 || r.Target != 0 {
			all = append(all, make([]string, 5))
		}
		line := all[len(all)-1]
		line[3] = times(ratio.Value) + " x " + ratio.To
		line[4] = verdict(ratio.Target, times, ratio.Met, smoke)
	}
	if r.P99 != 0 {
		all = append(all, []string{"", "", "p99: " + r.Unit.text(r.P99), "", ""})
	}
	return all
}

func verdict(target float64, text func(float64) string, met *bool, smoke bool) string {
	switch {
	case target == 0:
		return ""
	case smoke:
		return "at most " + text(target)
	case *met:
		return "at most " + text(target) + ": met"
	}
	return "at most " + text(target) + ": MISSED"
}

func times(value float64) string { return strconv.FormatFloat(value, 'f', 2, 64) }

// text gives a value with three digits and its unit.
func (u unit) text(value float64) string {
	switch {
	case u == inNumber:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case u == inMemory:
		return digits(value/(1<<20)) + " MiB"
	case value < float64(time.Microsecond):
		return digits(value) + " ns"
	case value < float64(time.Millisecond):
		return digits(value/float64(time.Microsecond)) + " us"
	case value < float64(time.Second):
		return digits(value/float64(time.Millisecond)) + " ms"
	}
	return digits(value/float64(time.Second)) + " s"
}

func digits(value float64) string {
	decimals := 2 - int(math.Floor(math.Log10(max(value, 1))))
	return strconv.FormatFloat(value, 'f', max(decimals, 0), 64)
}

// thousands gives a number as people write it: 5,000.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// report is the result of a run.
type report struct {
	Machine machine `json:"machine"`
	// Smoke says that the figures mean nothing.
	Smoke bool  `json:"smoke"`
	Rows  []row `json:"rows"`
}

// incomplete tells that something was not measured.
func (r report) incomplete() bool {
	for _, row := range r.Rows {
		if row.NotMeasured != "" {
			return true
		}
	}
	return false
}

// write writes the report as a table or, with format "json", as data.
func (r report) write(w io.Writer, format string) error {
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	return r.writeText(w)
}

func (r report) writeText(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", r.Machine)
	if r.Smoke {
		fmt.Fprintf(w, "smoke run: everything was measured once, the figures mean nothing\n")
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MEASUREMENT\tMEDIAN\tMIDDLE HALF\tRATIO\tTARGET")
	for _, row := range r.Rows {
		for _, line := range row.lines(r.Smoke) {
			fmt.Fprintln(table, strings.Join(line, "\t"))
		}
	}
	return table.Flush()
}

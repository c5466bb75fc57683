// Bench measures what snatd costs, against what else a node could run: the
// compiler, the kernel's transactions, the packets' path, the daemon's start and
// its way from the API server to the kernel.
//
//	make bench   # or: go run ./test/bench [-smoke] [-only measurement] [-o text|json]
//
// Everything that is compared is measured in one run, in turns, so that the
// ratios hold on a machine whose speed does not. Missed targets are reported,
// they do not fail the run; a figure that was taken of the wrong thing does, so
// each measurement also checks what it measures. Rules and packets stay inside
// network namespaces that the run makes.
//
// One file holds one measurement. Tests of behaviour do not live here.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/snatd/snatd/host/lab"
)

// options are the command line.
type options struct {
	smoke  bool
	only   string // measurement; empty for all of them
	output string
	snatd  string
}

// measurement is one file of this folder. What it returns besides an error is
// still reported.
type measurement struct {
	name string
	run  func(context.Context, options) ([]row, error)
}

var measurements = []measurement{
	{"compile", measureCompile},
	{"full apply", measureApply},
	{"peers", measurePeers},
	{"healing", measureHealing},
	{"pod added", measurePodAdded},
	{"new flow", measureFlows},
	{"start of the daemon", measureStart},
	{"delay of a change", measureDelay},
	{"pass of a policy", measurePasses},
	{"module dropped in", measureDropIn},
	{"delay of a pod's change", measurePodChange},
	{"burst of pods", measureBurst},
}

// measurements are those to run.
func (o options) measurements() []measurement {
	return slices.DeleteFunc(slices.Clone(measurements), func(m measurement) bool {
		return o.only != "" && m.name != o.only
	})
}

func main() {
	var o options
	flag.BoolVar(&o.smoke, "smoke", false, "run each measurement once, to see that it works")
	flag.StringVar(&o.only, "only", "", "run one `measurement`, by the name that a run tells")
	flag.StringVar(&o.output, "o", "text", "output `format`: text, json")
	flag.StringVar(&o.snatd, "snatd", "bin/snatd", "the daemon, a `file`")
	flag.Parse()
	if o.output != "text" && o.output != "json" || len(o.measurements()) == 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	code, err := lab.Enter(func() int { return run(o, os.Stdout, os.Stderr) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	os.Exit(code)
}

// run returns the exit code.
func run(o options, out, log io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	r := report{Machine: thisMachine(), Smoke: o.smoke}
	code := 0
	for _, m := range o.measurements() {
		fmt.Fprintf(log, "bench: %s ...\n", m.name)
		rows, err := m.run(ctx, o)
		r.Rows = append(r.Rows, rows...)
		if ctx.Err() != nil {
			fmt.Fprintln(log, "bench: interrupted")
			return 1
		}
		if err != nil {
			fmt.Fprintf(log, "bench: %s: %v\n", m.name, err)
			code = 1
		}
	}
	if r.incomplete() && os.Getenv("CI") == "true" {
		fmt.Fprintln(log, "bench: not everything could be measured, and CI=true demands it")
		code = 1
	}
	if err := r.write(out, o.output); err != nil {
		fmt.Fprintln(log, "bench:", err)
		code = 1
	}
	return code
}

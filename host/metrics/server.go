// Package metrics tells Prometheus and the kubelet over HTTP how the daemon is:
// what it counted, whether it is ready, and that it goes on. It is the only
// package that knows Prometheus. What it tells it is handed as values: it asks no
// other part of the daemon, decides nothing and takes no commands.
//
// README.md beside this file is the reference, made from what is told.
package metrics

//go:generate go test . -run Reference -write

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/snatd/snatd/host/bounded"
	"github.com/snatd/snatd/host/health"
)

// maxScrapes are answered at the same time; more get status 503.
const maxScrapes = 4

// Server answers GET of
//
//	/metrics  samples, in the text format of Prometheus or another that it asks for
//	/healthz  200 while the daemon's loop goes on, otherwise 503: it hangs
//	/readyz   200 if rules are in force and their sources are fresh, otherwise 503
//	          with what is missing
//	/         what ServePage was given
//
// Probes share the port with all who ask. Scrapes that are too many, or read
// slowly, do not hold up the two; only who opens more than 256 connections in a
// second can make them wait. Then a probe can miss its timeout, as it does on a
// node without CPU time to spare: it is to fail several times in a row before
// anything is ended because of it.
type Server struct {
	health   func() health.Health
	registry *prometheus.Registry

	// page answers at all other paths; nil if nobody does.
	page http.Handler

	podChange, apply, compile prometheus.Histogram
}

var (
	podChangeTime = histogram("snatd_pod_change_seconds",
		"Time from a pod's change as the API server told it to the kernel holding it.")
	applyTime   = histogram("snatd_apply_seconds", "Time that the kernel took for a change of snatd's table.")
	compileTime = histogram("snatd_compile_seconds", "Time that compiling the decisions to a ruleset took.")
)

// New returns a Server of what state says at the time of each scrape, and healthOf at the
// time of each probe. Requests call them at the same time, and wait for them.
func New(state func() State, healthOf func() health.Health) *Server {
	s := &Server{
		health: healthOf,
		// Not the registry that every package of the process can add to.
		registry:  prometheus.NewRegistry(),
		podChange: podChangeTime.newHistogram(),
		apply:     applyTime.newHistogram(),
		compile:   compileTime.newHistogram(),
	}
	s.registry.MustRegister(
		collector{state}, s.podChange, s.apply, s.compile,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return s
}

// ObservePodChange counts a pod's change that the kernel holds now, and how long
// after the API server's event.
func (s *Server) ObservePodChange(after time.Duration) { s.podChange.Observe(after.Seconds()) }

// ObserveApply counts a change of the table, and how long the kernel took for it.
func (s *Server) ObserveApply(took time.Duration) { s.apply.Observe(took.Seconds()) }

// ObserveCompile counts a compilation of decisions, and how long it took.
func (s *Server) ObserveCompile(took time.Duration) { s.compile.Observe(took.Seconds()) }

// Serve answers at a port, once that listens, until ctx ends, and closes it. It waits for
// nobody who still asks then.
func (s *Server) Serve(ctx context.Context, at *Port) error {
	select {
	case <-ctx.Done():
		return at.close()
	case on := <-at.opened:
		if err := bounded.Serve(ctx, on, s.handler()); err != nil {
			return fmt.Errorf("metrics.listen %w", at.failed(err))
		}
		return nil
	}
}

// ServePage has something answer at all other paths. It is called before Serve.
func (s *Server) ServePage(page http.Handler) { s.page = page }

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	if s.page != nil {
		mux.Handle("GET /", s.page)
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		Registry:            s.registry, // counts errors of its own there
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	}))
	mux.HandleFunc("GET /healthz", s.probe(health.Health.Hangs))
	mux.HandleFunc("GET /readyz", s.probe(health.Health.Unready))
	return mux
}

// probe answers with what is wrong.
func (s *Server) probe(wrong func(health.Health, time.Time) string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		text := wrong(s.health(), time.Now())
		if text != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		} else {
			text = "ok"
		}
		fmt.Fprintln(w, text)
	}
}

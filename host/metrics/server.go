// Package metrics tells Prometheus and the kubelet over HTTP how the daemon is:
// what it counted, whether it is ready, and that it answers. It is the only
// package that knows Prometheus. What it tells it is handed as values: it asks no
// other part of the daemon, decides nothing and takes no commands.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// Anybody who reaches the port can ask: what one costs the node is bounded. A
// connection is for one request, which has to be there within a second, so that
// who is silent or keeps connections holds up nobody's probe.
const (
	maxScrapes     = 4   // at the same time; more are answered with status 503
	maxConnections = 256 // at the same time, of some 30 KiB each; more wait for a second at most
	maxHeaderBytes = 16 << 10
	readTimeout    = time.Second
	writeTimeout   = 5 * time.Second // only scrapes are long enough to need it
)

// Server answers GET of
//
//	/metrics  samples, in the text format of Prometheus or another that it asks for
//	/healthz  200 while the process answers; nothing about what it does otherwise
//	/readyz   200 if the state is ready, otherwise 503 with what it waits for
//
// Probes share the port with all who ask. Scrapes that are too many, or read
// slowly, do not hold up the two; only who opens more than 256 connections in a
// second can make them wait. Then a probe can miss its timeout, as it does on a
// node without CPU time to spare: it is to fail several times in a row before
// anything is ended because of it.
type Server struct {
	state     func() State
	registry  *prometheus.Registry
	podChange prometheus.Histogram
	apply     prometheus.Histogram
}

// New returns a Server of what state says at the time of each request. Requests
// call it at the same time, and wait for it.
func New(state func() State) *Server {
	s := &Server{
		state: state,
		// Not the registry that every package of the process can add to.
		registry: prometheus.NewRegistry(),
		podChange: newHistogram("snatd_pod_change_seconds",
			"Time from a pod's change as the API server told it to the kernel holding it."),
		apply: newHistogram("snatd_apply_seconds",
			"Time that the kernel took for a change of snatd's table."),
	}
	s.registry.MustRegister(
		collector{state}, s.podChange, s.apply,
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

// Serve answers on a listener from Listen until ctx ends, and closes it. It
// waits for nobody who still asks then.
func (s *Server) Serve(ctx context.Context, on net.Listener) error {
	server := &http.Server{
		Handler:        s.handler(),
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		MaxHeaderBytes: maxHeaderBytes,
	}
	server.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(netutil.LimitListener(on, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return failed(on.Addr().String(), err)
	}
	return nil
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		Registry:            s.registry, // counts errors of its own there
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		switch state := s.state(); {
		case state.Ready:
			answer(w, http.StatusOK, "ok")
		case state.Waiting == "":
			answer(w, http.StatusServiceUnavailable, "not ready")
		default:
			answer(w, http.StatusServiceUnavailable, state.Waiting)
		}
	})
	return mux
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintln(w, text)
}

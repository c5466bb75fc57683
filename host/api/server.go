package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/history"
)

// writeTime is how long an answer may take.
const writeTime = 5 * time.Second

// Serve answers on a listener from Listen until ctx ends, and closes it.
func Serve(ctx context.Context, on net.Listener, version string, daemon Daemon) error {
	server := &http.Server{
		Handler:           handler(version, daemon),
		ReadHeaderTimeout: time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      writeTime,
		MaxHeaderBytes:    16 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(on); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("socket %s: %w", on.Addr(), err)
	}
	return nil
}

// Daemon is who is asked.
type Daemon interface {
	State() *engine.State
	// Explain is that of the engine.
	Explain(from, to string) (engine.Explanation, error)
	// Flows lists at most so many connections.
	Flows(most int) (engine.Flows, error)
	// Approve is that of the engine.
	Approve(ctx context.Context, digest string) (engine.Held, error)
	// History is that of the engine.
	History() *history.Ring
}

// approvalTime is how long an approval may take before its outcome is left to status: an
// answer has to be written too.
const approvalTime = writeTime - time.Second

// mostFlows bounds an answer to some 50 MiB.
const mostFlows = 100_000

func handler(version string, daemon Daemon) http.Handler {
	mux := http.NewServeMux()
	state := daemon.State
	mux.HandleFunc("GET "+pathFlows, func(w http.ResponseWriter, r *http.Request) {
		limit := r.URL.Query().Get("limit")
		most, err := strconv.Atoi(limit)
		if err != nil || most < 1 || most > mostFlows {
			answer(w, http.StatusBadRequest, problem{fmt.Sprintf("limit: %q, accepted: 1 to %d", limit, mostFlows)})
			return
		}
		flows, err := daemon.Flows(most)
		if err != nil {
			answer(w, http.StatusServiceUnavailable, problem{err.Error()})
			return
		}
		answer(w, http.StatusOK, flows)
	})
	mux.HandleFunc("POST "+pathApprove, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), approvalTime)
		defer cancel()
		switch held, err := daemon.Approve(ctx, r.URL.Query().Get("digest")); {
		case errors.Is(err, context.DeadlineExceeded):
			answer(w, http.StatusServiceUnavailable, problem{err.Error()})
		case err != nil:
			answer(w, http.StatusConflict, problem{err.Error()})
		default:
			answer(w, http.StatusOK, held)
		}
	})
	mux.HandleFunc("GET "+pathStatus, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, statusOf(version, state()))
	})
	mux.HandleFunc("GET "+pathExplain, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		explanation, err := daemon.Explain(query.Get("from"), query.Get("to"))
		if err != nil {
			answer(w, http.StatusBadRequest, problem{err.Error()})
			return
		}
		answer(w, http.StatusOK, explanation)
	})
	mux.HandleFunc("GET "+pathRuleset, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, state().Ruleset)
	})
	mux.HandleFunc("GET "+pathInstalled, func(w http.ResponseWriter, _ *http.Request) {
		installed, err := state().Installed()
		if err != nil {
			answer(w, http.StatusServiceUnavailable, problem{err.Error()})
			return
		}
		answer(w, http.StatusOK, installed)
	})
	mux.HandleFunc("GET "+pathHistory, func(w http.ResponseWriter, _ *http.Request) {
		entries, err := daemon.History().Entries()
		if err != nil {
			answer(w, http.StatusServiceUnavailable, problem{err.Error()})
			return
		}
		answer(w, http.StatusOK, entries)
	})
	mux.HandleFunc("GET "+pathBundle, func(w http.ResponseWriter, r *http.Request) {
		var archive bytes.Buffer
		number, err := numberOf(r)
		if err == nil {
			err = daemon.History().Bundle(number, &archive)
		}
		if err != nil {
			answer(w, http.StatusNotFound, problem{err.Error()})
			return
		}
		w.Header().Set("Content-Type", "application/x-tar")
		_, _ = w.Write(archive.Bytes()) // a client that went away is its own problem
	})
	mux.HandleFunc("GET "+pathFacts, func(w http.ResponseWriter, r *http.Request) {
		text, err := factsOf(daemon, r)
		if err != nil {
			answer(w, http.StatusServiceUnavailable, problem{err.Error()})
			return
		}
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(text) // a client that went away is its own problem
	})
	return mux
}

// numberOf is the change that is asked for.
func numberOf(r *http.Request) (uint64, error) {
	text := r.URL.Query().Get("at")
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("at: %.100q, accepted: the number of a change, as snatd history has it", text)
	}
	return number, nil
}

// factsOf are those in force, or those at a change.
func factsOf(daemon Daemon, r *http.Request) ([]byte, error) {
	if !r.URL.Query().Has("at") {
		return encodeFacts(daemon.State())
	}
	number, err := numberOf(r)
	if err != nil {
		return nil, err
	}
	return daemon.History().Facts(number)
}

func encodeFacts(s *engine.State) ([]byte, error) {
	if s.Result == nil {
		return nil, fmt.Errorf("there are no facts yet: %s", s.Waiting)
	}
	return s.Result.Snapshot.Encode()
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	// A client that went away is its own problem.
	_ = encoder.Encode(body)
}

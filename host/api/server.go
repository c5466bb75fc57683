package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/snatd/snatd/host/engine"
)

// Serve answers on the unix socket until ctx ends, and removes the socket. A
// socket that a dead process left is replaced; one that answers is an error.
func Serve(ctx context.Context, socket, version string, state func() *engine.State) error {
	listener, err := listen(ctx, socket)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler(version, state),
		ReadHeaderTimeout: time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      5 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("socket %s: %w", socket, err)
	}
	return nil
}

func listen(ctx context.Context, socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	if connection, err := net.Dial("unix", socket); err == nil {
		_ = connection.Close()
		return nil, fmt.Errorf("socket %s: a snatd is running already", socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		_ = listener.Close()
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	return listener, nil
}

func handler(version string, state func() *engine.State) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathStatus, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, statusOf(version, state()))
	})
	mux.HandleFunc("GET "+pathExplain, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		explanation, err := state().Explain(query.Get("from"), query.Get("to"))
		if err != nil {
			answer(w, http.StatusBadRequest, problem{err.Error()})
			return
		}
		answer(w, http.StatusOK, explanation)
	})
	mux.HandleFunc("GET "+pathRuleset, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, state().Ruleset)
	})
	return mux
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	// A client that went away is its own problem.
	_ = encoder.Encode(body)
}

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/snatd/snatd/host/bounded"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/health"
	"github.com/snatd/snatd/host/history"
)

// Daemon is who is asked. Requests ask at the same time.
type Daemon interface {
	State() *engine.State
	// Health is what the daemon's health is judged by.
	Health() health.Health
	// Explain is that of the engine.
	Explain(from, to string) (engine.Explanation, error)
	// Flows lists at most so many connections.
	Flows(most int) (engine.Flows, error)
	// Approve is that of the engine.
	Approve(ctx context.Context, digest string) (engine.Held, error)
	// History is that of the engine.
	History() *history.Ring
}

// Serve answers on a listener from Listen until ctx ends, and closes it.
func Serve(ctx context.Context, on net.Listener, version string, daemon Daemon) error {
	if err := bounded.Serve(ctx, knowing{on}, handler(version, daemon)); err != nil {
		return fmt.Errorf("socket %s: %w", on.Addr(), err)
	}
	return nil
}

// How many answers of one endpoint are made at the same time. Of the large ones, those
// count too that are being read: a few times 50 MiB is what the daemon can spare. The
// others wait for no client.
const (
	mostAtOnce  = 8
	largeAtOnce = 2
)

type server struct {
	version string
	daemon  Daemon
}

func handler(version string, daemon Daemon) http.Handler {
	s := &server{version, daemon}
	mux := http.NewServeMux()
	for _, e := range endpoints {
		turns := make(bounded.Turns, mostAtOnce)
		if e.large {
			turns = make(bounded.Turns, largeAtOnce)
		}
		mux.HandleFunc(e.method()+" "+e.path, func(w http.ResponseWriter, r *http.Request) { s.serve(e, turns, w, r) })
		mux.HandleFunc(e.path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", e.allowed())
			tell(w, &failure{http.StatusMethodNotAllowed, fmt.Sprintf("method %.300q, accepted: %s", r.Method, e.method())})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		tell(w, &failure{http.StatusNotFound, fmt.Sprintf("there is no %.300q, accepted: %s", r.URL.Path, paths())})
	})
	return mux
}

// serve makes the answer of an endpoint when it is its turn.
func (s *server) serve(e endpoint, turns bounded.Turns, w http.ResponseWriter, r *http.Request) {
	query, err := e.query(r.URL.RawQuery)
	if err == nil && e.changes && !mayChange(r) {
		err = &failure{http.StatusForbidden, e.path + ": accepted from root alone"}
	}
	if err != nil {
		tell(w, err)
		return
	}
	end, err := turns.Take(r.Context())
	if err != nil {
		tell(w, &failure{http.StatusServiceUnavailable, err.Error()})
		return
	}
	end = sync.OnceFunc(end)
	defer end()
	answer, err := e.answer(r.Context(), s, query)
	if err != nil {
		tell(w, err)
		return
	}
	text := encode(answer)
	if !e.large {
		end()
	}
	send(w, http.StatusOK, text)
}

// tell answers with an error.
func tell(w http.ResponseWriter, err error) {
	code, body := failed(err)
	send(w, code, encode(body))
}

func encode(answer any) document {
	if text, ok := answer.(document); ok {
		return text
	}
	text, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("%T has no JSON: %v", answer, err)) // all are values
	}
	return document{append(text, '\n'), "application/json"}
}

// send answers. A client that went away is its own problem.
func send(w http.ResponseWriter, code int, text document) {
	w.Header().Set("Content-Type", text.kind)
	w.WriteHeader(code)
	_, _ = w.Write(text.text)
}

// Package page is the status page: what snatd status and snatd explain say, and which pods
// are treated how towards which destinations, as HTML for a browser. It works without
// scripts and without anything from elsewhere, and changes nothing. What is told it is
// handed; the words are those of host/screen.
package page

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/snatd/snatd/host/api"
	"github.com/snatd/snatd/host/bounded"
	"github.com/snatd/snatd/host/engine"
	"github.com/snatd/snatd/host/health"
	"github.com/snatd/snatd/host/screen"
	"github.com/snatd/snatd/rules"
	"github.com/snatd/snatd/rules/nft"
)

// Daemon is who is asked. Requests ask at the same time.
type Daemon interface {
	State() *engine.State
	Health() health.Health
	Explain(from, to string) (engine.Explanation, error)
	// Decided counts connections by who decided about them, and how.
	Decided() (map[rules.Decider]nft.Count, error)
}

//go:embed page.html page.css
var assets embed.FS

var page = template.Must(template.ParseFS(assets, "page.html"))

// mostAtOnce is how many pages are made at the same time.
const mostAtOnce = 4

type server struct {
	version string
	daemon  Daemon
	turns   bounded.Turns

	mu    sync.Mutex
	of    *engine.Result // what the view is of
	under *rules.Ruleset
	view  view
}

// New returns what answers at "/". For a listener that only this machine reaches, local
// refuses requests by a name: a page from elsewhere could have made one up for this address,
// and read the answer.
func New(version string, daemon Daemon, local bool) http.Handler {
	s := &server{version: version, daemon: daemon, turns: make(bounded.Turns, mostAtOnce)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serve)
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "page.css")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		if local && !isLocal(r.Host) {
			http.Error(w, "ask by the address, or as localhost", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// headers keep a browser from all that the page does not need.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":  "nosniff",
	"Referrer-Policy":         "no-referrer",
	"Cache-Control":           "no-store",
}

// isLocal says whether the host of a request is an address or localhost.
func isLocal(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if name == "localhost" {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// content is what the page shows.
type content struct {
	Screen      screen.Screen
	Modules     []module
	Connections []connections
	// Uncounted is why there are no connections.
	Uncounted string
	Matrix    matrix
	From, To  string
	// Answer is to the question From and To, nil if none is asked, Unanswered why there is
	// none.
	Answer     *screen.Screen
	Unanswered string
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	end, err := s.turns.Take(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	end = sync.OnceFunc(end)
	defer end()
	var body bytes.Buffer
	asked := r.URL.Query() // and not what a body may say
	if err := page.Execute(&body, s.content(asked.Get("from"), asked.Get("to"))); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	end() // nobody waits for who reads slowly
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(body.Bytes()) // a client that went away is its own problem
}

func (s *server) content(from, to string) content {
	now, state := time.Now(), s.daemon.State()
	view := s.viewOf(state)
	c := content{
		Screen:  screen.Of(api.StatusOf(s.version, state, s.daemon.Health()), now),
		Modules: modulesOf(state.Modules, view.reasons),
		Matrix:  view.matrix, From: from, To: to,
	}
	counted, err := s.daemon.Decided()
	if err != nil {
		c.Uncounted = err.Error()
	}
	c.Connections = connectionsOf(counted)
	if from == "" && to == "" {
		return c
	}
	e, err := s.daemon.Explain(from, to)
	if err != nil {
		c.Unanswered = err.Error()
		return c
	}
	answer := screen.Explain(e, now)
	c.Answer = &answer
	return c
}

// view is what takes a while to make of a state, and is the same while it is in force.
type view struct {
	matrix  matrix
	reasons map[string][]reason
}

func (s *server) viewOf(state *engine.State) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state.Result == nil {
		return view{}
	}
	if s.of != state.Result || s.under != state.Ruleset {
		s.of, s.under = state.Result, state.Ruleset
		s.view = view{matrixOf(state.Result.Decided, state.Ruleset), reasonsOf(state.Result.Decided)}
	}
	return s.view
}

// Package fake is what the fakes of Amazon's services have in common, for tests
// only: a server that can refuse connections, counts requests and fails them, and
// the ways in which any service fails.
//
// It knows no service: what is answered is for the fakes.
package fake

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Server listens, and answers by a handler.
type Server struct {
	t       testing.TB
	listen  func(network, address string) (net.Listener, error)
	handler http.Handler
	// closing is closed when the test ends, for answers that wait.
	closing chan struct{}

	mu       sync.Mutex
	address  string
	http     *http.Server
	faults   map[string]Fault // by key
	requests map[string]int   // by key
}

// Start starts a server that listens by means of a function like net.Listen, for
// example in another network namespace. It is called with address at first, and
// with the address that was chosen after Refuse. The server ends with the test.
func Start(t testing.TB, address string, listen func(network, address string) (net.Listener, error), handler http.Handler) *Server {
	t.Helper()
	s := &Server{
		t: t, listen: listen, handler: handler, closing: make(chan struct{}), address: address,
		faults: map[string]Fault{}, requests: map[string]int{},
	}
	s.Accept()
	t.Cleanup(func() {
		close(s.closing)
		s.Refuse()
	})
	return s
}

// URL is the endpoint for the SDK.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.address
}

// Refuse ends all connections and refuses new ones, until Accept.
func (s *Server) Refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		_ = s.http.Close() // what was cut off is an error that nobody is there for
		s.http = nil
	}
}

// Accept accepts connections again.
func (s *Server) Accept() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	listener, err := s.listen("tcp", s.address)
	if err != nil {
		s.t.Fatalf("fake: %v", err)
	}
	s.address = listener.Addr().String()
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: time.Minute,
		// What clients do wrong is for the tests to tell.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	s.http = server
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.t.Errorf("fake: %v", err)
		}
	}()
}

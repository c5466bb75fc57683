// Package imdstest is a fake of the EC2 instance metadata service, for tests
// only. It speaks IMDSv2 as the real one does, with what a test puts into it, and
// fails in the ways that the real one fails.
//
// It knows nothing of what snatd reads from it.
package imdstest

import (
	"maps"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/snatd/snatd/host/aws/fake"
)

// Server is a fake that listens. Everything about it may be changed while it
// serves. Its requests are for paths below /latest.
type Server struct {
	*fake.Server

	mu     sync.Mutex
	values map[string]string
	tokens map[string]time.Time
}

// Start starts a fake on a port of 127.0.0.1, which is empty. It ends with the
// test.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartOn(t, "127.0.0.1:0", net.Listen)
}

// StartOn starts a fake that listens by means of a function like net.Listen, for
// example in another network namespace. It is called with address at first, and
// with the address that was chosen after Refuse.
func StartOn(t testing.TB, address string, listen func(network, address string) (net.Listener, error)) *Server {
	t.Helper()
	s := &Server{
		values: map[string]string{},
		tokens: map[string]time.Time{},
	}
	s.Server = fake.Start(t, address, listen, http.HandlerFunc(s.serve))
	return s
}

// Set sets values at their paths below /latest, such as "meta-data/mac". A path
// that others are below is answered with their names, unless it is set itself
// with a slash at its end.
func (s *Server) Set(values map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.values, values)
}

// Remove removes what is at a path, and all below it.
func (s *Server) Remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.values, func(p, _ string) bool { return fake.Within(p, path) })
}
